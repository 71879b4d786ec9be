"""A person or a member of staff signs in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.chassis.ids import new_id
from services.identity.application.parts import Parts
from services.identity.application.throttling import at_target, by_address, throttled
from services.identity.application.tokens import (
    Tokens,
    account_claims,
    lifetimes_of,
    new_refresh_token,
    roles_of,
    sign,
)
from services.identity.domain import account as rules
from services.identity.persistence import accounts, sessions
from services.identity.persistence.accounts import AccountRecord


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Tokens, and who they are for. `person_id` is None for staff."""

    tokens: Tokens
    person_id: UUID | None
    roles: frozenset[str]
    display_name: str


def log_in(parts: Parts, *, username: str, password: str, client_address: str | None) -> LoggedIn:
    """Begin a session. Unknown username and wrong password have one answer, at one cost.

    :raises InvalidField: the form of a field
    :raises LogInRefused: unknown or closed account, or wrong password
    :raises TooManyAttempts: at this username or from this address
    """
    username = rules.username(username)
    password = rules.password(password)
    with throttled(parts, at_target("log-in", username), *by_address(client_address)):
        with parts.database.read() as connection:
            account = accounts.find_by_username(connection, parts.data, username)
        right = parts.passwords.verify(password, None if account is None else account.password_hash)
        if account is None or not right:
            raise rules.LogInRefused
        return _begin(parts, account, _better_hash(parts, account, password))


def _better_hash(parts: Parts, account: AccountRecord, password: str) -> str | None:
    """The password hashed with today's parameters, if it is not yet."""
    return parts.passwords.hash(password) if parts.passwords.is_outdated(account.password_hash) else None


def _begin(parts: Parts, account: AccountRecord, better_hash: str | None) -> LoggedIn:
    now = parts.clock.now()
    lifetimes = lifetimes_of(parts, account)
    session_id, ends_at = new_id(), now + lifetimes.absolute
    refresh_token = new_refresh_token()
    with parts.database.transaction() as connection:
        if better_hash is not None:
            accounts.replace_hash(connection, account.id, old=account.password_hash, new=better_hash)
        sessions.start(connection, id=session_id, account_id=account.id, at=now, expires_at=ends_at)
        sessions.add_token(
            connection,
            token_index=parts.data.index_refresh_token(refresh_token),
            session_id=session_id,
            expires_at=lifetimes.token_expiry(now, ends_at),
        )
        claims = account_claims(parts, connection, account)
        names = accounts.display_names(connection, parts.data, [account.id])
    return LoggedIn(
        tokens=sign(parts, claims, parts.policy.access_token_seconds, refresh_token),
        person_id=account.person_id,
        roles=roles_of(account),
        display_name=names[account.id],
    )
