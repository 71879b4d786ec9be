"""The delivery log: what was sent to which endpoint, every attempt, and what is still to be sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.chassis.ids import new_id
from services.chassis.statements import Statement
from services.notifications.domain.webhook import DeliveryState, EndpointState
from services.notifications.persistence.providers import is_disabled
from services.notifications.persistence.rows import as_arrays, given_rows
from services.notifications.persistence.tables import (
    feed_event,
    webhook_attempt,
    webhook_delivery,
    webhook_endpoint,
)

WAKE_CHANNEL = "deliver"


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """One attempt; `status` 0 means that there was no HTTP answer."""

    at: datetime
    status: int
    error: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """One event for one endpoint, with its attempts, oldest first."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    state: DeliveryState
    next_attempt_at: datetime | None
    attempts: list[StoredAttempt] = field(default_factory=list)


def add_deliveries(
    connection: sa.Connection, wanted: Sequence[tuple[UUID, UUID]], traceparents: Mapping[UUID, str | None]
) -> None:
    """Queues each event for its endpoint (event's id, endpoint's id), unless it is there; with the event's
    place in its trace.
    """
    rows = (
        {
            "id": new_id(),
            "endpoint_id": endpoint,
            "event_id": event_id,
            "traceparent": traceparents.get(event_id),
        }
        for event_id, endpoint in wanted
    )
    if wanted:
        _ADD.run(connection, as_arrays(rows, _GIVEN))


def list_deliveries(
    connection: sa.Connection, endpoint_id: UUID, *, before: UUID | None, limit: int
) -> list[StoredDelivery]:
    """The endpoint's newest `limit` deliveries, older than the delivery `before`."""
    query = _SELECT.where(webhook_delivery.c.endpoint_id == endpoint_id)
    if before is not None:
        query = query.where(webhook_delivery.c.id < before)
    rows = connection.execute(query.order_by(webhook_delivery.c.id.desc()).limit(limit)).all()
    return _with_attempts(connection, rows)


def find_delivery(connection: sa.Connection, delivery_id: UUID) -> StoredDelivery | None:
    """One delivery, or None."""
    rows = connection.execute(_SELECT.where(webhook_delivery.c.id == delivery_id)).all()
    return next(iter(_with_attempts(connection, rows)), None)


def queue_again(connection: sa.Connection, endpoint_id: UUID, delivery_id: UUID) -> bool:
    """Makes the delivery due now, with all attempts before it again, and lifts the endpoint's pause. False,
    and nothing is changed, if the endpoint is not active.

    An attempt under way goes on; its result counts unless another begins first.
    """
    active = connection.execute(
        sa.update(webhook_endpoint)
        .where(webhook_endpoint.c.id == endpoint_id, webhook_endpoint.c.state == EndpointState.ACTIVE.value)
        .values(paused_until=None)
    )
    if active.rowcount == 0:
        return False
    connection.execute(
        sa.update(webhook_delivery)
        .where(webhook_delivery.c.id == delivery_id)
        .values(
            state=DeliveryState.PENDING.value, attempts=0, next_attempt_at=sa.func.now(), finished_at=None
        )
    )
    connection.execute(sa.select(sa.func.pg_notify(WAKE_CHANNEL, "")))
    return True


def give_up_all(connection: sa.Connection, endpoint_id: UUID) -> None:
    """Nothing pending is sent to this endpoint any more."""
    connection.execute(
        sa.update(webhook_delivery)
        .where(
            webhook_delivery.c.endpoint_id == endpoint_id,
            webhook_delivery.c.state == DeliveryState.PENDING.value,
        )
        .values(_GIVEN_UP)
    )


def purge_deliveries(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Gives up at most `limit` deliveries pending to endpoints that are not active or whose cooperative is
    disabled, and deletes at most `limit` that ended before `before`, with their attempts; how many of both.

    One that stayed pending for ever would for ever keep its event, and the events after it, in the feed.
    """
    stranded = (
        sa.select(webhook_delivery.c.id)
        .join(webhook_endpoint, webhook_endpoint.c.id == webhook_delivery.c.endpoint_id)
        .where(
            webhook_delivery.c.state == DeliveryState.PENDING.value,
            sa.or_(
                webhook_endpoint.c.state != EndpointState.ACTIVE.value,
                is_disabled(webhook_endpoint.c.provider),
            ),
        )
        .limit(limit)
        .with_for_update(of=webhook_delivery, skip_locked=True)
        .cte("stranded")
    )
    given_up = connection.execute(
        sa.update(webhook_delivery).where(webhook_delivery.c.id.in_(stranded.select())).values(_GIVEN_UP)
    ).rowcount
    batch = (
        sa.select(webhook_delivery.c.id)
        .where(webhook_delivery.c.finished_at < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("batch")
    )
    deleted = connection.execute(
        sa.delete(webhook_delivery).where(webhook_delivery.c.id.in_(batch.select()))
    ).rowcount
    return given_up + deleted


_GIVEN: Final = ("id", "endpoint_id", "event_id", "traceparent")
_ADD: Final = Statement(
    insert(webhook_delivery)
    .from_select(_GIVEN, given_rows(webhook_delivery, _GIVEN))
    .on_conflict_do_nothing()
)
_GIVEN_UP: Final[dict[str, Any]] = {
    "state": DeliveryState.FAILED.value,
    "next_attempt_at": None,
    "finished_at": sa.func.now(),
    "lease": None,
    "leased_until": None,
}
_SELECT = sa.select(
    webhook_delivery.c.id,
    webhook_delivery.c.endpoint_id,
    webhook_delivery.c.event_id,
    feed_event.c.type,
    webhook_delivery.c.state,
    webhook_delivery.c.next_attempt_at,
).join(feed_event, feed_event.c.event_id == webhook_delivery.c.event_id)


def _with_attempts(
    connection: sa.Connection, rows: Sequence[sa.Row[*tuple[Any, ...]]]
) -> list[StoredDelivery]:
    attempts: defaultdict[UUID, list[StoredAttempt]] = defaultdict(list)
    log = webhook_attempt.c
    query = (
        sa.select(log.delivery_id, log.at, log.status, log.error, log.milliseconds)
        .where(log.delivery_id.in_([row.id for row in rows]))
        .order_by(log.id)
    )
    for row in connection.execute(query):
        attempts[row.delivery_id].append(StoredAttempt(row.at, row.status, row.error, row.milliseconds))
    return [
        StoredDelivery(
            row.id,
            row.endpoint_id,
            row.event_id,
            row.type,
            DeliveryState(row.state),
            row.next_attempt_at,
            attempts[row.id],
        )
        for row in rows
    ]
