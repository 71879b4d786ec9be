"""Delegations."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.identity.domain.delegation import Delegation, State
from services.identity.persistence.tables import delegation


def add(connection: sa.Connection, granted: Delegation, *, at: datetime, by: str) -> bool:
    """Write a new delegation; False if the delegate holds an active one of the same principal."""
    statement = (
        insert(delegation)
        .values(
            id=granted.id,
            principal_id=granted.principal_id,
            delegate_id=granted.delegate_id,
            powers=sorted(granted.powers),
            valid_from=granted.valid_from,
            valid_to=granted.valid_to,
            state=granted.state,
            recorded_at_social_point=granted.recorded_at_social_point,
            granted_at=at,
            granted_by=by,
            version=granted.version,
        )
        .on_conflict_do_nothing()
        .returning(delegation.c.id)
    )
    return connection.execute(statement).first() is not None


def find(connection: sa.Connection, id: UUID, *, hold: bool = False) -> Delegation | None:
    """The delegation with that id; with `hold`, its row stays locked until the transaction ends."""
    query = sa.select(delegation).where(delegation.c.id == id)
    row = connection.execute(query.with_for_update() if hold else query).first()
    return None if row is None else _delegation(row)


def revoke(connection: sa.Connection, revoked: Delegation, *, at: datetime, by: str) -> None:
    """Write down that a delegation was taken back."""
    connection.execute(
        sa.update(delegation)
        .where(delegation.c.id == revoked.id)
        .values(state=revoked.state, version=revoked.version, revoked_at=at, revoked_by=by)
    )


def of_person(connection: sa.Connection, person_id: UUID) -> list[Delegation]:
    """Those she gave and those she holds, newest first."""
    query = (
        sa.select(delegation)
        .where(sa.or_(delegation.c.principal_id == person_id, delegation.c.delegate_id == person_id))
        .order_by(delegation.c.granted_at.desc(), delegation.c.id.desc())
    )
    return [_delegation(row) for row in connection.execute(query)]


def held_on(connection: sa.Connection, delegate_id: UUID, today: date) -> list[Delegation]:
    """The active ones that a delegate holds on a day."""
    query = sa.select(delegation).where(
        delegation.c.delegate_id == delegate_id,
        delegation.c.state == State.ACTIVE,
        delegation.c.valid_from <= today,
        delegation.c.valid_to >= today,
    )
    return [_delegation(row) for row in connection.execute(query)]


def expire(connection: sa.Connection, today: date, *, limit: int, principal_id: UUID | None = None) -> int:
    """Write down that delegations are over, at most `limit` of them; how many."""
    over = sa.select(delegation.c.id).where(delegation.c.state == State.ACTIVE, delegation.c.valid_to < today)
    if principal_id is not None:
        over = over.where(delegation.c.principal_id == principal_id)
    batch = over.limit(limit).with_for_update(skip_locked=principal_id is None).cte()
    statement = sa.update(delegation).where(delegation.c.id == batch.c.id).values(state=State.EXPIRED)
    return connection.execute(statement).rowcount


def _delegation(row: sa.Row[Any]) -> Delegation:
    return Delegation(
        id=row.id,
        principal_id=row.principal_id,
        delegate_id=row.delegate_id,
        powers=frozenset(row.powers),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        recorded_at_social_point=row.recorded_at_social_point,
        state=State(row.state),
        version=row.version,
    )
