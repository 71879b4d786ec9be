"""Who is calling: the bearer token, verified here first and by each service again."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.tokens import TokenInvalid

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


def client_address(request: Request) -> str:
    """The network address that asks; behind a trusted proxy, what the proxy says of it."""
    return request.client.host if request.client else ""
