"""What identity puts into access tokens."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.contracts.access import CITIZEN
from services.identity.application.parts import Parts
from services.identity.domain.session import Lifetimes
from services.identity.persistence import delegations
from services.identity.persistence.accounts import AccountRecord

_REFRESH_TOKEN_BYTES = 32
_CITIZEN_EVERYWHERE = f"{CITIZEN}:*"


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token and what comes with it. Without a refresh token there is none to get another with."""

    access_token: str = field(repr=False)
    expires_in_seconds: int
    refresh_token: str = field(default="", repr=False)


def roles_of(account: AccountRecord) -> frozenset[str]:
    """`name:scope`; a person's is always citizen."""
    return account.roles if account.person_id is None else frozenset({_CITIZEN_EVERYWHERE})


def lifetimes_of(parts: Parts, account: AccountRecord) -> Lifetimes:
    return parts.policy.staff_lifetimes if account.person_id is None else parts.policy.person_lifetimes


def account_claims(parts: Parts, connection: sa.Connection, account: AccountRecord) -> dict[str, Any]:
    """The claims of an account as it stands now: roles, the person, and whom she may act for."""
    claims: dict[str, Any] = {"sub": str(account.id), "roles": sorted(roles_of(account))}
    if account.person_id is not None:
        claims["person"] = str(account.person_id)
        held = delegations.held_on(connection, account.person_id, parts.today)
        claims["acting_for"] = acting_for((each.principal_id, each.powers) for each in held)
    return claims


def acting_for(powers: Iterable[tuple[UUID, Collection[str]]]) -> dict[str, list[str]]:
    """The claim `acting_for`."""
    return {str(person_id): sorted(each) for person_id, each in powers}


def sign(parts: Parts, claims: dict[str, Any], seconds: int, refresh_token: str = "") -> Tokens:
    """Tokens with these claims, good for `seconds`."""
    return Tokens(parts.signer.sign(claims, seconds), seconds, refresh_token)


def new_refresh_token() -> str:
    """256 random bits; kept only as a keyed hash."""
    return secrets.token_urlsafe(_REFRESH_TOKEN_BYTES)
