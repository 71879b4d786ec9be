"""A browser's session: identity's tokens in cookies that no script reads, renewed when they run out.

Nothing of it is kept here: any gateway process can answer any request.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.backends import Backends, Services
from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.refusal import Kind, Refusal, Unauthenticated
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb

_ACCESS: Final = "__Host-ambito-access"
_REFRESH: Final = "__Host-ambito-refresh"
"""The prefix makes browsers insist: from this host only, over TLS (or on this very machine)."""


class ForeignForm(Refusal):
    """A form that was not sent by a page of ours."""

    kind = Kind.FORBIDDEN
    type = "foreign-form"
    it = "Il modulo non proviene da questo portale: ricaricare la pagina e riprovare."
    en = "The form does not come from this portal: load the page again and retry."


async def _signed_in(request: Request, services: Services) -> Caller:
    with suppress(Refusal):  # expired, as a rule
        return _recognised(request, request.cookies.get(_ACCESS, ""))
    refresh_token = request.cookies.get(_REFRESH)
    if not refresh_token:
        raise Unauthenticated
    try:
        message = pb.RefreshSessionRequest(refresh_token=refresh_token)
        answer = await services.command(services.sessions.RefreshSession, message, ANONYMOUS)
    except Refusal as refusal:
        if refusal.kind is Kind.UNAUTHENTICATED:
            forget(request)
        raise
    return remember(request, answer.tokens)


SignedIn = Annotated[Caller, Depends(_signed_in)]
"""Who looks at the page. Raises Unauthenticated, and Unavailable if it cannot be told."""


async def _own_form(request: Request) -> None:
    """Only pages of ours send forms: cookies alone would go with anybody's. Browsers say whose page it was,
    in headers that no page can set.
    """
    site = request.headers.get("sec-fetch-site")
    if site is None:
        site = "same-origin" if _same_host(request) else "unknown"
    if site != "same-origin":
        raise ForeignForm


OwnForm = Depends(_own_form)


def _same_host(request: Request) -> bool:
    with suppress(ValueError):
        return urlsplit(request.headers.get("origin", "")).hostname == request.url.hostname
    return False


def _recognised(request: Request, token: str) -> Caller:
    caller: Caller = request.app.state.verifier.verify(token)
    request.state.consumer = caller.subject
    return caller


def remember(request: Request, tokens: pb.Tokens) -> Caller:
    """Give the browser these tokens with the answer, whatever that will be; whose they are."""
    caller = _recognised(request, tokens.access_token)
    request.state.cookies = {_ACCESS: tokens.access_token, _REFRESH: tokens.refresh_token}
    return caller


def forget(request: Request) -> None:
    """Take the tokens from the browser with the answer."""
    request.state.cookies = {_ACCESS: None, _REFRESH: None}


async def end(request: Request, services: Backends, refresh_token: str = "") -> None:
    """Sign out: the session and all its tokens end. The browser's own, if no token is given."""
    refresh_token = refresh_token or request.cookies.get(_REFRESH, "")
    forget(request)
    if refresh_token:
        await services.command(
            services.sessions.LogOut, pb.LogOutRequest(refresh_token=refresh_token), ANONYMOUS
        )


class SessionCookies:
    """Sends what `remember` and `forget` have left, with pages and refusals alike: a browser that did not get
    the new tokens would come with the old one, which after identity's grace ends the session.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: dict[str, Any] = scope.setdefault("state", {})

        async def send_with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_set_cookies(state.get("cookies", {}))]
            await send(message)

        await self._app(scope, receive, send_with_cookies)


def _set_cookies(cookies: dict[str, str | None]) -> list[tuple[bytes, bytes]]:
    response = Response()
    for name, value in cookies.items():
        # No lifetime: the browser forgets them when it is closed, and identity before.
        response.set_cookie(
            name, value or "", max_age=None if value else 0, secure=True, httponly=True, samesite="lax"
        )
    return [header for header in response.raw_headers if header[0] == b"set-cookie"]
