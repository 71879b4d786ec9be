"""The statements of the booking saga. Each is one round trip, does all or nothing, and is built once.

A contended counter changes only by a conditional UPDATE: of two that want the last seat, PostgreSQL makes the
second wait for the first and then look again.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP, UUID, insert

from services.catalogue.domain.booking import Move, State
from services.catalogue.persistence.booking_events import BookingEventKind, event_of
from services.catalogue.persistence.conditions import accredited, serves
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


def take_seat(state: State, event: BookingEventKind | None) -> sa.Select[Any]:
    """Claim the idempotency key, take a seat, and insert the booking as `state`, with `event` if there is
    one.

    Yields the booking, or nothing and then the transaction must be rolled back: the key is taken, or the slot
    is full, past, withdrawn, unknown, not for this person's comune, its service not offered, its cooperative
    not accredited on that day, or the person not known.
    """
    claim = _claim()
    seat = _seat(claim)
    held = state is State.HELD
    hold = sa.func.make_interval(0, 0, 0, 0, 0, 0, sa.select(ambito.c.hold_seconds).scalar_subquery())
    values: dict[str, sa.ColumnElement[Any]] = {
        "id": _BOOKING,
        "state": sa.literal(state.value),
        "version": sa.literal(0 if event is None else 1),
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
        "wrong_codes": sa.literal(0),
        "booked_by": _BY,
        "created_at": NOW,
        "changed_at": NOW,
        "changed_by": _BY,
    }
    row = sa.select(*(value.label(name) for name, value in values.items())).select_from(seat)
    booked = sa.insert(booking).from_select(list(values), row).returning(*_TOLD).cte("booked")
    statement = sa.select(booked)
    return statement if event is None else statement.add_cte(event_of(event, booked))


def _claim() -> sa.CTE:
    """The request's idempotency row, whose response is the booking's id; nothing if the key is taken."""
    table = messaging.idempotency
    values = {
        "actor": sa.bindparam("claim_actor", type_=sa.Text),
        "key": sa.bindparam("claim_key", type_=sa.Text),
        "operation": sa.bindparam("claim_operation", type_=sa.Text),
        "request_hash": sa.bindparam("claim_request_hash", type_=BYTEA),
        "response": sa.bindparam("claim_response", type_=BYTEA),
    }
    claimed = insert(table).values(values).on_conflict_do_nothing()
    return claimed.returning(_SLOT.label("slot_id")).cte("claim")


def _seat(claim: sa.CTE) -> sa.CTE:
    return (
        sa.update(slot)
        .values(taken=slot.c.taken + 1)
        .where(
            slot.c.id == _SLOT,
            slot.c.id == claim.c.slot_id,  # without a claim there is no seat
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


def move_booking(
    move: Move,
    event: BookingEventKind,
    *guards: sa.ColumnElement[bool],
    values: dict[str, Any] | None = None,
    which: sa.ColumnElement[bool] | None = None,
) -> sa.Select[Any]:
    """Compare-and-set of one booking along `move`, if `guards` hold; frees the seat if the move does; emits
    `event`.

    `which` chooses the booking (default: the parameter `booking`). Yields the moved booking, or nothing if
    there was nothing to move, and then nothing was changed.
    """
    moved = (
        sa.update(booking)
        .where(
            booking.c.id == _BOOKING if which is None else which,
            booking.c.state == move.source.value,
            *guards,
        )
        .values(
            state=move.target.value,
            version=booking.c.version + 1,
            held_until=None,
            changed_at=NOW,
            changed_by=_BY,
            **(values or {}),
        )
        .returning(*_TOLD)
        .cte("moved")
    )
    statement = sa.select(moved).add_cte(event_of(event, moved))
    if move.frees_seat:
        freed = sa.update(slot).where(slot.c.id == moved.c.slot_id).values(taken=slot.c.taken - 1)
        statement = statement.add_cte(freed.returning(slot.c.id).cte("freed"))
    return statement


def with_key_freed(statement: sa.Select[Any]) -> sa.Select[Any]:
    """`statement` of `move_booking`, and the booking's idempotency key may be used anew."""
    table = messaging.idempotency
    moved = statement.selected_columns["id"].table
    freed = sa.delete(table).where(
        table.c.actor == sa.bindparam("claim_actor", type_=sa.Text),
        table.c.key == sa.bindparam("claim_key", type_=sa.Text),
        sa.exists().where(moved.c.id.is_not(None)),
    )
    return statement.add_cte(freed.returning(table.c.key).cte("key_freed"))


def next_overdue() -> sa.ColumnElement[bool]:
    """The longest overdue held booking that no other sweeper is at."""
    overdue = booking.alias("overdue")
    chosen = (
        sa.select(overdue.c.id)
        .where(overdue.c.state == State.HELD.value, overdue.c.held_until <= NOW)
        .order_by(overdue.c.held_until)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return booking.c.id == chosen.scalar_subquery()
