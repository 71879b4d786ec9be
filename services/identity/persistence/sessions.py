"""Sessions: families of refresh tokens. Of a token only the keyed hash is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from services.identity.domain.session import Family, RefreshToken
from services.identity.persistence.tables import refresh_token, session


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token that was presented, and the family it belongs to."""

    session_id: UUID
    account_id: UUID
    family: Family
    token: RefreshToken


def start(
    connection: sa.Connection, *, id: UUID, account_id: UUID, at: datetime, expires_at: datetime
) -> None:
    """Begin a family without tokens yet."""
    connection.execute(
        sa.insert(session).values(id=id, account_id=account_id, started_at=at, expires_at=expires_at)
    )


def add_token(
    connection: sa.Connection, *, token_index: bytes, session_id: UUID, expires_at: datetime
) -> None:
    """Make a token one of the newest of its family."""
    connection.execute(
        sa.insert(refresh_token).values(token_index=token_index, session_id=session_id, expires_at=expires_at)
    )


def hold(connection: sa.Connection, token_index: bytes) -> Presented | None:
    """The token and its family, held until the transaction ends; None if there is no such token.

    The family is locked before the token is read: what another transaction did with the token meanwhile is
    seen.
    """
    of_token = sa.select(refresh_token.c.session_id).where(refresh_token.c.token_index == token_index)
    family = connection.execute(
        sa.select(session).where(session.c.id == of_token.scalar_subquery()).with_for_update()
    ).first()
    if family is None:
        return None
    token = connection.execute(
        sa.select(refresh_token).where(refresh_token.c.token_index == token_index)
    ).one()
    return Presented(
        session_id=family.id,
        account_id=family.account_id,
        family=Family(expires_at=family.expires_at, revoked_at=family.revoked_at),
        token=RefreshToken(expires_at=token.expires_at, used_at=token.used_at),
    )


def mark_used(connection: sa.Connection, token_index: bytes, at: datetime) -> None:
    """The token was exchanged; the first time stays."""
    connection.execute(
        sa.update(refresh_token)
        .where(refresh_token.c.token_index == token_index, refresh_token.c.used_at.is_(None))
        .values(used_at=at)
    )


def revoke(connection: sa.Connection, id: UUID, at: datetime, because: str) -> None:
    """End a family; the first reason stays."""
    connection.execute(
        sa.update(session)
        .where(session.c.id == id, session.c.revoked_at.is_(None))
        .values(revoked_at=at, revoked_because=because)
    )


def purge(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Delete at most `limit` families that were over before an instant, with their tokens; how many."""
    over = (
        sa.select(session.c.id)
        .where(session.c.expires_at < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("over")
    )
    return connection.execute(sa.delete(session).where(session.c.id == over.c.id)).rowcount
