"""Webhook endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.notifications.domain.webhook import EndpointState
from services.notifications.persistence.providers import is_disabled
from services.notifications.persistence.tables import webhook_endpoint

_ACTIVE = EndpointState.ACTIVE.value


@dataclass(frozen=True, slots=True)
class StoredEndpoint:
    """An endpoint as its owner sees it: without its secret."""

    id: UUID
    provider: str
    url: str
    event_types: list[str]
    state: EndpointState
    disabled_reason: str
    created_at: datetime


def lock_provider(connection: sa.Connection, provider: str) -> None:
    """Until the transaction ends, nobody else can change how many endpoints the cooperative has."""
    key = sa.func.hashtextextended(f"notifications.webhook-endpoint:{provider}", 0)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def add_endpoint(
    connection: sa.Connection,
    *,
    endpoint_id: UUID,
    provider: str,
    url: str,
    event_types: Sequence[str],
    sealed_secret: str,
    created_by: str,
) -> StoredEndpoint | None:
    """Registers an endpoint; None if the cooperative has an active one with this URL."""
    statement = (
        insert(webhook_endpoint)
        .values(
            id=endpoint_id,
            provider=provider,
            url=url,
            event_types=list(event_types),
            secret=sealed_secret,
            created_by=created_by,
        )
        .on_conflict_do_nothing()
        .returning(*_COLUMNS)
    )
    row = connection.execute(statement).first()
    return None if row is None else _stored(row)


def list_endpoints(connection: sa.Connection, provider: str) -> list[StoredEndpoint]:
    """The cooperative's endpoints, active and disabled, oldest first."""
    query = (
        sa.select(*_COLUMNS)
        .where(webhook_endpoint.c.provider == provider, _NOT_DELETED)
        .order_by(webhook_endpoint.c.id)
    )
    return [_stored(row) for row in connection.execute(query)]


def all_endpoints(connection: sa.Connection) -> list[StoredEndpoint]:
    """Those of all cooperatives, active and disabled, by cooperative, oldest first."""
    query = sa.select(*_COLUMNS).where(_NOT_DELETED)
    ordered = query.order_by(webhook_endpoint.c.provider, webhook_endpoint.c.id)
    return [_stored(row) for row in connection.execute(ordered)]


def find_endpoint(connection: sa.Connection, endpoint_id: UUID) -> StoredEndpoint | None:
    """The endpoint, unless it was deleted."""
    query = sa.select(*_COLUMNS).where(webhook_endpoint.c.id == endpoint_id, _NOT_DELETED)
    row = connection.execute(query).first()
    return None if row is None else _stored(row)


def delete_endpoint(connection: sa.Connection, endpoint_id: UUID) -> None:
    """Hides the endpoint for good; nothing is sent to it any more."""
    connection.execute(
        sa.update(webhook_endpoint)
        .where(webhook_endpoint.c.id == endpoint_id)
        .values(
            state=EndpointState.DELETED.value, secret="", previous_secret=None, previous_secret_until=None
        )
    )


def replace_secret(
    connection: sa.Connection, endpoint_id: UUID, sealed_secret: str, *, previous_until: datetime
) -> None:
    """Deliveries are signed with the new secret, and until then with the one it replaces as well."""
    connection.execute(
        sa.update(webhook_endpoint)
        .where(webhook_endpoint.c.id == endpoint_id)
        .values(
            secret=sealed_secret,
            previous_secret=webhook_endpoint.c.secret,
            previous_secret_until=previous_until,
        )
    )


def subscribed(provider: sa.ColumnElement[str], event_type: sa.ColumnElement[str]) -> sa.Select[tuple[UUID]]:
    """Selects the cooperative's active endpoints that want events of this type, and keeps them active until
    the transaction ends; none of a disabled cooperative.
    """
    return (
        sa.select(webhook_endpoint.c.id)
        .where(
            webhook_endpoint.c.provider == provider,
            webhook_endpoint.c.state == _ACTIVE,
            sa.or_(
                sa.func.cardinality(webhook_endpoint.c.event_types) == 0,
                event_type == sa.any_(webhook_endpoint.c.event_types),
            ),
            ~is_disabled(webhook_endpoint.c.provider),
        )
        .with_for_update(read=True, of=webhook_endpoint)
    )


def note_failure(
    connection: sa.Connection, endpoint_id: UUID, at: datetime, pause_until: datetime | None
) -> datetime | None:
    """Remembers a failure, and a pause if there is one; since when everything has failed. None: no longer
    there.
    """
    since: datetime | None = connection.scalar(
        sa.update(webhook_endpoint)
        .where(webhook_endpoint.c.id == endpoint_id)
        .values(
            failing_since=sa.func.coalesce(webhook_endpoint.c.failing_since, at),
            paused_until=sa.func.greatest(webhook_endpoint.c.paused_until, pause_until),
        )
        .returning(webhook_endpoint.c.failing_since)
    )
    return since


def count_by_state(connection: sa.Connection) -> dict[str, int]:
    """How many endpoints are `active`, `failing` (active, and nothing has worked since some failure) and
    `disabled`.
    """
    state = sa.case(
        (
            sa.and_(webhook_endpoint.c.state == _ACTIVE, webhook_endpoint.c.failing_since.is_not(None)),
            sa.literal("failing"),
        ),
        else_=webhook_endpoint.c.state,
    )
    counted = connection.execute(
        sa.select(state.label("state"), sa.func.count().label("number")).where(_NOT_DELETED).group_by(state)
    )
    found = {row.state: row.number for row in counted}
    return {each: found.get(each, 0) for each in ("active", "failing", "disabled")}


def disable_endpoint(connection: sa.Connection, endpoint_id: UUID, reason: str) -> tuple[str, int] | None:
    """active → disabled. The provider and the number of the event that tells of it; None if it was not
    active.
    """
    row = connection.execute(
        sa.update(webhook_endpoint)
        .where(webhook_endpoint.c.id == endpoint_id, webhook_endpoint.c.state == _ACTIVE)
        .values(
            state=EndpointState.DISABLED.value,
            disabled_reason=reason,
            sequence=webhook_endpoint.c.sequence + 1,
        )
        .returning(webhook_endpoint.c.provider, webhook_endpoint.c.sequence)
    ).first()
    return None if row is None else (row.provider, row.sequence)


_COLUMNS = (
    webhook_endpoint.c.id,
    webhook_endpoint.c.provider,
    webhook_endpoint.c.url,
    webhook_endpoint.c.event_types,
    webhook_endpoint.c.state,
    webhook_endpoint.c.disabled_reason,
    webhook_endpoint.c.created_at,
)
_NOT_DELETED = webhook_endpoint.c.state != EndpointState.DELETED.value


def _stored(row: sa.Row[*tuple[Any, ...]]) -> StoredEndpoint:
    return StoredEndpoint(
        row.id,
        row.provider,
        row.url,
        row.event_types,
        EndpointState(row.state),
        row.disabled_reason,
        row.created_at,
    )
