"""The statements of the booking saga. Each is one round trip, does all or nothing, and is built once.

A contended counter changes only by a conditional UPDATE: of two that want the last seat, PostgreSQL makes the
second wait for the first and then look again.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP, UUID

from services.catalogue.domain.booking import Move, State
from services.catalogue.persistence.booking_events import BookingEventKind, event_of
from services.catalogue.persistence.conditions import accredited, serves
from services.catalogue.persistence.constants import number, text
from services.catalogue.persistence.tables import (
    ambito,
    booking,
    messaging,
    offering,
    person,
    service,
    slot,
)

NOW: Final = sa.bindparam("now", type_=TIMESTAMP(timezone=True))
_BOOKING: Final = sa.bindparam("booking", type_=UUID(as_uuid=True))
_SLOT: Final = sa.bindparam("slot", type_=UUID(as_uuid=True))
_TOLD: Final = tuple(column for column in booking.c if column.name not in ("booked_by", "changed_by"))
"""What a statement tells of the booking that it made or moved."""
_BY: Final = sa.bindparam("by", type_=sa.Text)
_CLAIM_ACTOR: Final = sa.bindparam("claim_actor", type_=sa.Text)
_CLAIM_KEY: Final = sa.bindparam("claim_key", type_=sa.Text)


def take_seat(state: State, event: BookingEventKind | None) -> sa.Select[Any]:
    """Take a seat, claim the idempotency key, and insert the booking as `state`, with `event` if there is
    one.

    Yields the booking, or nothing and then nothing was done: the key is taken, or the slot is full, past,
    withdrawn, unknown, not for this person's comune, its service not offered, its cooperative not accredited
    on that day, or the person not known. Fails, and `idempotency.key_taken` tells so, if another request
    takes the key in the same moment.
    """
    seat = _seat()
    held = state is State.HELD
    second = sa.literal_column("interval '1 second'", sa.Interval)
    hold = sa.select(ambito.c.hold_seconds * second).scalar_subquery()
    values: dict[str, sa.ColumnElement[Any]] = {
        "id": _BOOKING,
        "state": text(state.value),
        "version": number(0 if event is None else 1),
        "person_id": seat.c.person_id,
        "comune": seat.c.comune,
        "slot_id": seat.c.slot_id,
        "service": seat.c.service,
        "provider": seat.c.provider,
        "voucher_id": sa.bindparam("voucher", type_=UUID(as_uuid=True)),
        "minutes": seat.c.minutes,
        "price_cents": seat.c.price_cents,
        "starts_at": seat.c.starts_at,
        "ends_at": seat.c.ends_at,
        "service_date": seat.c.service_date,
        "zone": seat.c.zone,
        "held_until": NOW + hold if held else sa.cast(sa.null(), TIMESTAMP(timezone=True)),
        "wrong_codes": number(0),
        "booked_by": _BY,
        "created_at": NOW,
        "changed_at": NOW,
        "changed_by": _BY,
    }
    row = sa.select(*values.values()).select_from(seat)
    booked = sa.insert(booking).from_select(list(values), row).returning(*_TOLD).cte("booked")
    statement = sa.select(booked).add_cte(_claim(seat))
    return statement if event is None else statement.add_cte(event_of(event, booked))


def _seat() -> sa.CTE:
    """The slot with one more of its seats taken, and what the booking needs to know of it."""
    return (
        sa.update(slot)
        .values(taken=slot.c.taken + number(1))
        .where(
            slot.c.id == _SLOT,
            slot.c.taken < slot.c.capacity,
            slot.c.starts_at > NOW,
            sa.not_(slot.c.withdrawn),
            offering.c.id == slot.c.offering_id,
            offering.c.active,
            service.c.slug == offering.c.service,
            service.c.active,
            person.c.id == sa.bindparam("person", type_=UUID(as_uuid=True)),
            serves(person.c.comune),
            accredited(slot.c.service_date),
            sa.not_(sa.exists().where(*_key_is_the_requests())),
        )
        .returning(
            slot.c.id.label("slot_id"),
            slot.c.starts_at,
            slot.c.ends_at,
            slot.c.service_date,
            slot.c.zone,
            person.c.id.label("person_id"),
            person.c.comune,
            offering.c.provider,
            offering.c.service,
            service.c.duration_minutes.label("minutes"),
            sa.func.coalesce(offering.c.price_cents, service.c.price_cents).label("price_cents"),
        )
        .cte("seat")
    )


def _claim(seat: sa.CTE) -> sa.CTE:
    """The request's idempotency row, whose response is the booking's id; of two, the second one fails."""
    values: dict[str, sa.ColumnElement[Any]] = {
        "actor": _CLAIM_ACTOR,
        "key": _CLAIM_KEY,
        "operation": sa.bindparam("claim_operation", type_=sa.Text),
        "request_hash": sa.bindparam("claim_request_hash", type_=BYTEA),
        "response": sa.bindparam("claim_response", type_=BYTEA),
    }
    claimed = sa.select(*values.values()).select_from(seat)
    return sa.insert(messaging.idempotency).from_select(list(values), claimed).cte("claim")


def _key_is_the_requests() -> tuple[sa.ColumnElement[bool], ...]:
    key = messaging.idempotency.c
    return (key.actor == _CLAIM_ACTOR, key.key == _CLAIM_KEY)


def move_booking(
    move: Move,
    event: BookingEventKind,
    *guards: sa.ColumnElement[bool],
    values: dict[str, Any] | None = None,
    which: sa.ColumnElement[bool] | None = None,
    frees_key: bool = False,
) -> sa.Select[Any]:
    """Compare-and-set of one booking along `move`, if `guards` hold; frees the seat if the move does; emits
    `event`.

    `which` chooses the booking (default: the parameter `booking`). With `frees_key` the request that made it
    may be made anew, if the move frees the seat. Yields the moved booking, or nothing if
    there was nothing to move, and then nothing was changed.
    """
    moved = (
        sa.update(booking)
        .where(
            booking.c.id == _BOOKING if which is None else which,
            booking.c.state == text(move.source.value),
            *guards,
        )
        .values(
            state=text(move.target.value),
            version=booking.c.version + number(1),
            held_until=sa.null(),
            changed_at=NOW,
            changed_by=_BY,
            **(values or {}),
        )
        .returning(*_TOLD)
        .cte("moved")
    )
    statement = sa.select(moved).add_cte(event_of(event, moved))
    if move.frees_seat:
        freed = sa.update(slot).where(slot.c.id == moved.c.slot_id).values(taken=slot.c.taken - number(1))
        seat = freed.returning(slot.c.id).cte("freed")
        statement = statement.add_cte(seat)
        if frees_key:
            # After the seat, as `take_seat` takes them: so the two never wait for each other.
            key = sa.delete(messaging.idempotency).where(*_key_is_the_requests(), sa.exists(seat.select()))
            statement = statement.add_cte(key.cte("key_freed"))
    return statement


def next_overdue() -> sa.ColumnElement[bool]:
    """The longest overdue held booking that no other sweeper is at."""
    overdue = booking.alias("overdue")
    chosen = (
        sa.select(overdue.c.id)
        .where(overdue.c.state == text(State.HELD.value), overdue.c.held_until <= NOW)
        .order_by(overdue.c.held_until)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return booking.c.id == chosen.scalar_subquery()
