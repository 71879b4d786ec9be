"""Signing in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field, SecretStr

from gateway.api.representations import Answer, Body, Optional, OptionalId, Strings
from gateway.auth import Anyone, client_address
from gateway.backends import Services
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb

router = APIRouter(tags=["sessions"])


class Credentials(Body):
    """Username and password."""

    username: str = Field(max_length=200)
    password: SecretStr = Field(max_length=200)


class ClientCredentials(Body):
    """An API client's id and secret."""

    client_id: str = Field(max_length=200)
    client_secret: SecretStr = Field(max_length=200)


class RefreshToken(Body):
    """The token that is exchanged for new ones."""

    refresh_token: SecretStr = Field(max_length=500)


class Tokens(Answer):
    """A short access token, and where there is one the refresh token."""

    access_token: str
    expires_in_seconds: int
    refresh_token: Optional = None
    token_type: str = "Bearer"  # noqa: S105  # the scheme's name


class Session(Answer):
    """Who signed in."""

    tokens: Tokens
    person_id: OptionalId
    roles: Strings = Field(description="name:scope")
    display_name: str


@router.post("/sessions", status_code=201)
async def log_in(body: Credentials, request: Request, caller: Anyone, services: Services) -> Session:
    """Signs in. After several failures you have to wait."""
    message = pb.LogInRequest(username=body.username, password=body.password.get_secret_value())
    answer = await services.command(
        services.sessions.LogIn, message, caller, client_address=client_address(request)
    )
    return Session.of(answer)


@router.post("/sessions/refresh", status_code=201)
async def refresh(body: RefreshToken, caller: Anyone, services: Services) -> Tokens:
    """Exchanges a refresh token for new tokens. Used again more than ten seconds later, it is taken for
    stolen, and all tokens that came from it end.
    """
    message = pb.RefreshSessionRequest(refresh_token=body.refresh_token.get_secret_value())
    return Tokens.of((await services.command(services.sessions.RefreshSession, message, caller)).tokens)


@router.post("/sessions/end", status_code=204)
async def log_out(body: RefreshToken, caller: Anyone, services: Services) -> None:
    """Signs out: the refresh token and all that came from it end."""
    message = pb.LogOutRequest(refresh_token=body.refresh_token.get_secret_value())
    await services.command(services.sessions.LogOut, message, caller)


@router.post("/client-sessions", status_code=201)
async def authenticate_client(
    body: ClientCredentials, request: Request, caller: Anyone, services: Services
) -> Tokens:
    """An API client of a cooperative signs in."""
    message = pb.AuthenticateClientRequest(
        client_id=body.client_id, client_secret=body.client_secret.get_secret_value()
    )
    answer = await services.command(
        services.sessions.AuthenticateClient, message, caller, client_address=client_address(request)
    )
    return Tokens.of(answer.tokens)
