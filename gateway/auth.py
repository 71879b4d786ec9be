"""Who is calling: the bearer token, verified here first and by each service again."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import Scope

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.refusal import Refusal
from services.chassis.tokens import TokenInvalid, TokenVerifier

_bearer = HTTPBearer(
    auto_error=False, description="Access token, from POST /api/v1/sessions", bearerFormat="JWT"
)


async def anyone(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """The caller; ANONYMOUS without a token. A token that is present must be good."""
    if credentials is None:
        if "authorization" in request.headers:
            raise TokenInvalid
        return ANONYMOUS
    caller: Caller = request.app.state.verifier.verify(credentials.credentials)
    request.state.consumer = caller.subject
    return caller


async def signed_in(caller: Annotated[Caller, Depends(anyone)]) -> Caller:
    """The caller, who must be known."""
    caller.require_known()
    return caller


Anyone = Annotated[Caller, Depends(anyone)]
SignedIn = Annotated[Caller, Depends(signed_in)]


def consumer_of(verifier: TokenVerifier, scope: Scope) -> str:
    """Whose requests these are counted as: the account or system of a good token, else a network address.

    A token that does not verify counts for nobody but its sender, who could otherwise invent consumers.
    """
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        with suppress(Refusal):
            return verifier.verify(token.strip()).subject
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""


def client_address(request: Request) -> str:
    """The network address that asks; behind a trusted proxy, what the proxy says of it."""
    return request.client.host if request.client else ""
