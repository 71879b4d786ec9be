"""Reads by which seats and bookings are compared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from services.catalogue.domain.booking import OCCUPYING, State
from services.catalogue.persistence.tables import booking, slot

_STREAM_ROWS: Final = 1_000


def seat_differences(connection: sa.Connection) -> Iterator[sa.Row[Any]]:
    """`slot_id`, `taken`, `bookings` of every slot whose taken seats are not its bookings; one snapshot."""
    seated = (
        sa.select(booking.c.slot_id, sa.func.count().label("bookings"))
        .where(booking.c.state.in_(sorted(OCCUPYING)))
        .group_by(booking.c.slot_id)
        .cte("seated")
    )
    bookings = sa.func.coalesce(seated.c.bookings, 0)
    query = (
        sa.select(slot.c.id.label("slot_id"), slot.c.taken, bookings.label("bookings"))
        .outerjoin(seated, seated.c.slot_id == slot.c.id)
        .where(slot.c.taken != bookings)
        .order_by(slot.c.id)
    )
    yield from _streamed(connection, query)


def open_voucher_bookings(connection: sa.Connection) -> Iterator[sa.Row[Any]]:
    """`booking_id`, `voucher_id`, `state`, `minutes`, `price_cents` of bookings whose voucher must have a
    hold.
    """
    query = (
        sa.select(
            booking.c.id.label("booking_id"),
            booking.c.voucher_id,
            booking.c.state,
            booking.c.minutes,
            booking.c.price_cents,
        )
        .where(
            booking.c.state.in_([State.HELD.value, State.CONFIRMED.value]), booking.c.voucher_id.is_not(None)
        )
        .order_by(booking.c.id)
    )
    yield from _streamed(connection, query)


def overdue_seconds(connection: sa.Connection, now: datetime) -> float:
    """For how long the longest overdue held booking has been overdue; 0 if none is."""
    since: datetime | None = connection.scalar(
        sa.select(sa.func.min(booking.c.held_until)).where(
            booking.c.state == State.HELD.value, booking.c.held_until <= now
        )
    )
    return 0.0 if since is None else (now - since).total_seconds()


def _streamed(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
    with connection.execute(query, execution_options={"yield_per": _STREAM_ROWS}) as result:
        yield from result
