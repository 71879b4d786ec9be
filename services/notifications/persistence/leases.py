"""Which deliveries are attempted next, by whom, and what came of it.

A claim is a lease that ends by itself: a deliverer that is killed loses nothing, its deliveries are attempted
again when their leases have run out. Claims of all processes that serve the same cooperatives take turns, so
that the number of attempts under way to one endpoint is known exactly and a slow endpoint never holds more
than its share. Those that serve others have turns of their own: a process that stops in the middle of its
turn is waited for by its like only.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.chassis.statements import Place, Statement
from services.notifications.domain.served import ALL, Served
from services.notifications.domain.webhook import Answer, DeliveryState, EndpointState, NextStep
from services.notifications.persistence.providers import is_disabled
from services.notifications.persistence.tables import (
    feed_event,
    webhook_attempt,
    webhook_delivery,
    webhook_endpoint,
)

_CLAIM_LOCK = 4_702_111_234_598_120

_delivery = webhook_delivery.c
_endpoint = webhook_endpoint.c


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """An attempt that this process alone may make until its lease ends.

    `secrets` are sealed: the endpoint's own first, then the one that it has just replaced.
    """

    id: UUID
    lease: UUID
    endpoint_id: UUID
    url: str
    secrets: tuple[str, ...]
    attempts: int
    event_id: UUID
    event_type: str
    occurred_at: datetime
    data: str
    traceparent: str | None


def claim_deliveries(
    connection: sa.Connection,
    limit: int,
    *,
    per_endpoint: int,
    lease: UUID,
    now: datetime,
    until: datetime,
    served: Served = ALL,
) -> list[ClaimedDelivery]:
    """Takes at most `limit` due deliveries of active endpoints, the longest due first: of the cooperatives
    `served` that are not disabled.

    Together with those under way, never more than `per_endpoint` of one endpoint.
    """
    _TAKE_TURNS.all(connection, {"turns": _CLAIM_LOCK + zlib.crc32(served.name.encode())})
    parameters = {"most": limit, "per_endpoint": per_endpoint, "new_lease": lease, "now": now, "until": until}
    parameters |= _whose(served)
    return [
        ClaimedDelivery(
            id=row.id,
            lease=lease,
            endpoint_id=row.endpoint_id,
            url=row.url,
            secrets=tuple(filter(None, (row.secret, row.previous_secret))),
            attempts=row.attempts,
            event_id=row.event_id,
            event_type=row.type,
            occurred_at=row.occurred_at,
            data=row.data,
            traceparent=row.traceparent,
        )
        for row in _CLAIM.all(connection, parameters)
    ]


def delivered(place: Place, claimed: ClaimedDelivery, answer: Answer, now: datetime) -> None:
    """Writes the attempt and, unless the lease has passed on, that it was the last; forgets since when the
    endpoint did not work, and any pause of it. One statement.
    """
    of_endpoint = {"of_endpoint": claimed.endpoint_id}
    _DELIVERED.run(place, _attempt(claimed, answer) | _settled(claimed, _DONE, now) | of_endpoint)


def failed(
    connection: sa.Connection, claimed: ClaimedDelivery, answer: Answer, step: NextStep, now: datetime
) -> bool:
    """Writes the attempt and what follows from it. False if the lease has passed on, and with it the say."""
    connection.execute(_ADD_ATTEMPT, _attempt(claimed, answer))
    return connection.execute(_SETTLE, _settled(claimed, step, now)).rowcount == 1


def _attempt(claimed: ClaimedDelivery, answer: Answer) -> dict[str, Any]:
    return {
        "attempted": claimed.id,
        "attempted_at": answer.at,
        "got_status": answer.status,
        "got_error": answer.error,
        "took_milliseconds": answer.milliseconds,
    }


def _settled(claimed: ClaimedDelivery, step: NextStep, now: datetime) -> dict[str, Any]:
    final = step.state is not DeliveryState.PENDING
    return {
        "settled": claimed.id,
        "held": claimed.lease,
        "new_state": step.state.value,
        "again_at": step.next_attempt_at,
        "ended_at": now if final else None,
    }


def oldest_due_delivery(connection: sa.Connection, now: datetime, served: Served = ALL) -> timedelta:
    """For how long the longest due delivery to an active endpoint of the cooperatives `served` has been due;
    zero if none is.
    """
    since = connection.scalar(_OLDEST_DUE, {"now": now} | _whose(served))
    return timedelta(0) if since is None else now - since


def _whose(served: Served) -> dict[str, Any]:
    return {"all_providers": not served.only, "only": list(served.only), "but": list(served.but)}


_NOW: Final = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_TAKE_TURNS: Final = Statement(
    sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("turns", type_=sa.BigInteger)))
)
_DONE: Final = NextStep(DeliveryState.DELIVERED)
_ADD_ATTEMPT: Final = sa.insert(webhook_attempt).values(
    delivery_id=sa.bindparam("attempted", type_=sa.UUID),
    at=sa.bindparam("attempted_at", type_=sa.DateTime(timezone=True)),
    status=sa.bindparam("got_status", type_=sa.Integer),
    error=sa.bindparam("got_error", type_=sa.Text),
    milliseconds=sa.bindparam("took_milliseconds", type_=sa.Integer),
)
_SETTLE: Final = (
    sa.update(webhook_delivery)
    .where(
        _delivery.id == sa.bindparam("settled", type_=sa.UUID),
        _delivery.lease == sa.bindparam("held", type_=sa.UUID),
    )
    .values(
        state=sa.bindparam("new_state", type_=sa.Text),
        next_attempt_at=sa.bindparam("again_at", type_=sa.DateTime(timezone=True)),
        finished_at=sa.bindparam("ended_at", type_=sa.DateTime(timezone=True)),
        lease=None,
        leased_until=None,
    )
)
_WORKS: Final = (
    sa.update(webhook_endpoint)
    .where(
        _endpoint.id == sa.bindparam("of_endpoint", type_=sa.UUID),
        sa.or_(_endpoint.failing_since.is_not(None), _endpoint.paused_until.is_not(None)),
    )
    .values(failing_since=None, paused_until=None)
    .returning(_endpoint.id)
    .cte("works")
)
# The endpoint before its deliveries, here as everywhere: two transactions never wait for each other. What the
# delivery's condition asks of the endpoint has PostgreSQL update it first.
_DELIVERED: Final = Statement(
    _SETTLE.where(sa.select(sa.func.count()).select_from(_WORKS).scalar_subquery() >= 0).add_cte(
        _ADD_ATTEMPT.cte("attempt")
    )
)
_READY: Final = sa.and_(
    _endpoint.state == EndpointState.ACTIVE.value,
    ~is_disabled(_endpoint.provider),
    sa.or_(_endpoint.paused_until.is_(None), _endpoint.paused_until <= _NOW),
)
_SERVED: Final = sa.and_(
    sa.or_(
        sa.bindparam("all_providers", type_=sa.Boolean),
        _endpoint.provider == sa.any_(sa.bindparam("only", type_=ARRAY(sa.Text))),
    ),
    _endpoint.provider != sa.all_(sa.bindparam("but", type_=ARRAY(sa.Text))),
)
_DUE: Final = sa.and_(_delivery.state == DeliveryState.PENDING.value, _delivery.next_attempt_at <= _NOW)
_OLDEST_DUE: Final = (
    sa.select(sa.func.min(_delivery.next_attempt_at))
    .join(webhook_endpoint, _endpoint.id == _delivery.endpoint_id)
    .where(_READY, _SERVED, _DUE)
)


def _next_ones() -> sa.Select[tuple[UUID]]:
    """Endpoint by endpoint, so that the backlog of one costs nothing when looking at the others.

    Endpoints with fewer attempts under way come first: several slow ones together do not take every thread
    either.
    """
    under_way = (
        sa.select(sa.func.count())
        .where(_delivery.endpoint_id == _endpoint.id, _delivery.leased_until > _NOW)
        .correlate(webhook_endpoint)
        .scalar_subquery()
    )
    oldest_first = (_delivery.next_attempt_at, _delivery.id)
    next_ones = (
        sa.select(
            _delivery.id,
            _delivery.next_attempt_at,
            (under_way + sa.func.row_number().over(order_by=oldest_first)).label("turn"),
        )
        .where(
            _delivery.endpoint_id == _endpoint.id,
            _DUE,
            sa.or_(_delivery.leased_until.is_(None), _delivery.leased_until <= _NOW),
        )
        .correlate(webhook_endpoint)
        .order_by(*oldest_first)
        .limit(sa.func.greatest(sa.bindparam("per_endpoint", type_=sa.Integer) - under_way, 0))
        .lateral("next_ones")
    )
    return (
        sa.select(next_ones.c.id)
        .select_from(webhook_endpoint.join(next_ones, sa.true()))
        .where(_READY, _SERVED)
        .order_by(next_ones.c.turn, next_ones.c.next_attempt_at)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


_CHOSEN: Final = (
    sa.select(_delivery.id)
    .where(_delivery.id.in_(_next_ones()))
    .with_for_update(skip_locked=True)  # one that is being changed can wait for the next turn
    .cte("chosen")
)
_CLAIM: Final = Statement(
    sa.update(webhook_delivery)
    .where(
        _delivery.id == _CHOSEN.c.id,
        _endpoint.id == _delivery.endpoint_id,
        feed_event.c.event_id == _delivery.event_id,
    )
    .values(
        lease=sa.bindparam("new_lease", type_=sa.UUID),
        leased_until=sa.bindparam("until", type_=sa.DateTime(timezone=True)),
        attempts=_delivery.attempts + 1,
    )
    .returning(
        _delivery.id,
        _delivery.endpoint_id,
        _endpoint.url,
        _endpoint.secret,
        sa.case((_endpoint.previous_secret_until > _NOW, _endpoint.previous_secret)).label("previous_secret"),
        _delivery.attempts,
        _delivery.event_id,
        feed_event.c.type,
        feed_event.c.occurred_at,
        feed_event.c.data,
        _delivery.traceparent,
    )
)
