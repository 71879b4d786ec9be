"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from pydantic import SecretStr
from starlette.responses import RedirectResponse, Response

from gateway.auth import client_address
from gateway.backends import Services
from gateway.portal import session
from gateway.portal.session import OwnForm, SignedIn
from gateway.portal.templates import page
from gateway.problems import STATUSES
from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.refusal import Kind, Refusal
from services.contracts.access import PROVIDER_STAFF
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb

router = APIRouter()

_Next = Annotated[str, Form(max_length=500)]


class NoDesk(Refusal):
    """The account is good, and there is no page for it yet."""

    kind = Kind.FORBIDDEN
    type = "no-desk"
    it = "Per questo utente non c’è una scrivania sul portale: qui accede il personale delle cooperative."
    en = "There is no desk for this account on the portal: cooperatives’ staff sign in here."


@router.get("/")
async def begin(caller: SignedIn) -> Response:
    return RedirectResponse(_desk_of(caller), 303)


@router.get("/sign-in")
async def show(next: str = "") -> Response:
    return page("sign_in.html", next=next, username="", refusal=None)


@router.post("/sign-in", dependencies=[OwnForm])
async def sign_in(
    request: Request,
    services: Services,
    username: Annotated[str, Form(max_length=200)],
    password: Annotated[SecretStr, Form(max_length=200)],
    next: _Next = "",
) -> Response:
    try:
        message = pb.LogInRequest(username=username, password=password.get_secret_value())
        answer = await services.command(
            services.sessions.LogIn, message, ANONYMOUS, client_address=client_address(request)
        )
        caller = session.remember(request, answer.tokens)
        try:
            desk = _desk_of(caller)
        except NoDesk:
            await session.end(request, services, answer.tokens.refresh_token)
            raise
    except Refusal as refusal:
        status = STATUSES[refusal.kind]
        return page("sign_in.html", status=status, next=next, username=username, refusal=refusal)
    return RedirectResponse(next if next.startswith("/portal/") else desk, 303)


@router.post("/sign-out", dependencies=[OwnForm])
async def sign_out(request: Request, services: Services) -> Response:
    await session.end(request, services)
    return RedirectResponse("/portal/sign-in", 303)


def _desk_of(caller: Caller) -> str:
    """Where the caller works. Raises NoDesk."""
    cooperatives = sorted(caller.scopes(PROVIDER_STAFF))
    if not cooperatives:
        raise NoDesk
    return f"/portal/cooperatives/{cooperatives[0]}/bookings"
