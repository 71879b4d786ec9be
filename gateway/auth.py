"""Who is calling: the bearer token, verified here first and by each service again."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.datastructures import Headers
from starlette.types import Scope

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.refusal import Refusal
from services.chassis.tokens import TokenInvalid, TokenVerifier


class _Bearer(SecurityBase):
    """The caller: ANONYMOUS without a token, unless one is `required`. A token that is present must be good.

    One dependency, and not one for each of these steps: resolving dependencies is half of what a short
    request costs this process (cProfile).
    """

    def __init__(self, *, required: bool) -> None:
        self.scheme_name = "HTTPBearer"
        self.model = HTTPBearer(bearerFormat="JWT", description="Access token, from POST /api/v1/sessions")
        self._required = required

    async def __call__(self, request: Request) -> Caller:
        caller = caller_of(request.app.state.verifier, request.headers)
        remember_consumer(request.scope, caller)
        if self._required:
            caller.require_known()
        return caller


Anyone = Annotated[Caller, Depends(_Bearer(required=False))]
SignedIn = Annotated[Caller, Depends(_Bearer(required=True))]


def caller_of(verifier: TokenVerifier, headers: Headers) -> Caller:
    """ANONYMOUS without a token. TokenInvalid or TokenExpired if there is one that is not good."""
    if "authorization" not in headers:
        return ANONYMOUS
    token = _token(headers)
    if token is None:
        raise TokenInvalid
    return verifier.verify(token)


def remember_consumer(scope: Scope, caller: Caller) -> None:
    """Whose request it is, for the log."""
    if caller is not ANONYMOUS:
        scope.setdefault("state", {})["consumer"] = caller.subject


def consumer_of(verifier: TokenVerifier, scope: Scope) -> str:
    """Whose requests these are counted as: the account or system of a good token, else a network address.

    A token that does not verify counts for nobody but its sender, who could otherwise invent consumers.
    """
    token = _token(Headers(scope=scope))
    if token is not None:
        with suppress(Refusal):
            return verifier.verify(token).subject
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""


def _token(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def client_address(request: Request) -> str:
    """The network address that asks; behind a trusted proxy, what the proxy says of it."""
    return request.client.host if request.client else ""
