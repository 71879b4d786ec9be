"""Handlers of single events, given several."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa

from services.chassis import tracing
from services.chassis.ids import new_id
from services.chassis.messaging.received import Received, one_by_one

NOWHERE = cast("sa.Connection", None)


def event(number: int) -> Received:
    return Received(
        id=new_id(),
        type="ambito.depot.parcel.lost.v1",
        subject=str(number),
        sequence=1,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        routing_key="a.b.c.d",
        headers={},
        body=b"{}",
        traceparent=f"00-{number:032x}-{number:016x}-01",
    )


def test_several_come_in_order_each_in_its_own_trace() -> None:
    handled: list[tuple[str, str | None]] = []

    def handle(_: Any, one: Received) -> None:
        handled.append((one.subject, tracing.current_trace_id()))

    handler = one_by_one(handle)
    handler(NOWHERE, [event(1), event(2)])
    assert handled == [("1", f"{1:032x}"), ("2", f"{2:032x}")]


def test_one_is_where_its_worker_has_put_it() -> None:
    places: list[str | None] = []
    handler = one_by_one(lambda *_: places.append(tracing.current_trace_id()))
    with tracing.start_from(event(7).traceparent):
        handler(NOWHERE, [event(1)])
    assert places == [f"{7:032x}"]
