"""Holds on vouchers: the hot path, one statement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP, insert
from sqlalchemy.exc import IntegrityError

from services.chassis.statements import Place, Statement
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.ledger import Kind
from services.vouchers.persistence.chain import (
    appended,
    entry_missing,
    facts_of_change,
    facts_of_hold,
    movement,
)
from services.vouchers.persistence.tables import hold, ledger_entry, voucher


@dataclass(frozen=True, slots=True)
class WantedHold:
    """What a booking asks of a voucher. `minutes` or `cents` is reserved, whichever the voucher counts."""

    booking_id: UUID
    voucher_id: UUID
    person_id: UUID
    provider: str
    service: str
    service_date: date
    minutes: int
    cents: int

    def quantity(self, unit: Unit) -> int:
        """What is reserved on a voucher that counts `unit`."""
        return self.minutes if unit is Unit.MINUTES else self.cents


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was reserved, and what was available right after it, in the voucher's unit."""

    quantity: int
    available: int


def reserve(place: Place, wanted: WantedHold, recorded_at: datetime) -> Reservation | None:
    """Reserve `wanted` if every condition of the voucher holds; None if not, and then nothing was done.

    `place` is one of Database.statement: in a transaction, None may have ended it.
    """
    # No parameter of an UPDATE may have the name of one of its columns: SQLAlchemy would set that column.
    parameters = {
        "wanted_booking_id": wanted.booking_id,
        "wanted_voucher_id": wanted.voucher_id,
        "of_person": wanted.person_id,
        "wanted_provider": wanted.provider,
        "for_service": wanted.service,
        "wanted_service_date": wanted.service_date,
        "wanted_minutes": wanted.minutes,
        "wanted_cents": wanted.cents,
        "at": recorded_at,
    }
    try:
        row = _RESERVE.first(place, parameters)
    except IntegrityError as error:
        if entry_missing(error):
            return None
        raise
    return None if row is None else Reservation(row.quantity, row.available)


def assigned_on(day: sa.ColumnElement[date]) -> sa.ColumnElement[str | None]:
    """The cooperative to which the voucher's own row assigns `day`, NULL if none.

    `width_bucket` counts how many of the ascending first days are not after `day`: the index of its
    assignment.
    """
    return voucher.c.assigned_providers[sa.func.width_bucket(day, voucher.c.assigned_from)]


def _reserve_statement() -> sa.Select[tuple[int, int]]:
    """Claim the booking, move the balance, append the entry: all of it or nothing.

    First the hold's row is claimed: its key is the booking, so a booking that is held, or that ended before
    it was held (a tombstone), claims nothing, and a repetition that runs at the same time waits here for the
    first one to end. Then the voucher is updated under conditions that speak of the voucher's own row only.
    That matters: when another transaction has the row, PostgreSQL waits, and then evaluates the conditions
    and the new values again on the row as that transaction left it. A condition on any other table would
    still see this statement's older snapshot, and two holds could both believe it. Hence the assignments, the
    balance and the validity are all on this row. Every writer takes hold before voucher, so that none waits
    for another in a circle.

    The claim asks for the same conditions, as the snapshot shows them: an ordinary no claims nothing. Where
    they were met then and are not any more, the claim has no entry, and that fails the statement.
    """
    day = sa.bindparam("wanted_service_date", type_=sa.Date)
    provider = sa.bindparam("wanted_provider", type_=sa.Text)
    cents = sa.bindparam("wanted_cents", type_=sa.BigInteger)
    minutes = sa.bindparam("wanted_minutes", type_=sa.BigInteger)
    quantity = sa.case((voucher.c.unit == Unit.MINUTES, minutes), else_=cents)
    conditions = (
        voucher.c.id == sa.bindparam("wanted_voucher_id", type_=voucher.c.id.type),
        voucher.c.person_id == sa.bindparam("of_person", type_=voucher.c.person_id.type),
        voucher.c.service == sa.bindparam("for_service", type_=sa.Text),
        voucher.c.state == "active",
        day.between(voucher.c.valid_from, voucher.c.valid_to),
        assigned_on(day) == provider,
        voucher.c.available >= quantity,
    )
    claim = {
        "booking_id": sa.bindparam("wanted_booking_id", type_=hold.c.booking_id.type),
        "voucher_id": voucher.c.id,
        "state": sa.literal("open", sa.Text),
        "quantity": quantity,
        "amount_cents": cents,
        "provider": provider,
        "service_date": day,
        "recorded_at": sa.bindparam("at", type_=TIMESTAMP(timezone=True)),
    }
    claimed = (
        insert(hold)
        .from_select(list(claim), sa.select(*claim.values()).where(quantity > 0, *conditions))
        .on_conflict_do_nothing(index_elements=[hold.c.booking_id])
        .returning(*(hold.c[name] for name in claim if name != "state"))
        .cte("claimed")
    )
    facts = facts_of_hold(claimed, claimed.c.recorded_at)
    moved = (
        sa.update(voucher)
        .values(movement(Kind.RESERVE, facts))
        .where(voucher.c.id == claimed.c.voucher_id, *conditions)
        .returning(*facts_of_change(facts))
        .cte("moved")
    )
    entry = appended(Kind.RESERVE, moved, required_by=claimed)
    return sa.select(moved.c.quantity, moved.c.available).add_cte(entry)


_RESERVE: Final = Statement(_reserve_statement())


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold as it is kept; a tombstone has neither voucher nor quantity."""

    booking_id: UUID
    voucher_id: UUID | None
    state: str
    quantity: int | None
    amount_cents: int | None
    provider: str | None
    service_date: date | None


def find(connection: sa.Connection, booking_id: UUID) -> HoldRow | None:
    """The booking's hold or tombstone."""
    row = connection.execute(_columns().where(hold.c.booking_id == booking_id)).mappings().first()
    return None if row is None else HoldRow(**row)


def reservation_of(connection: sa.Connection, voucher_id: UUID, booking_id: UUID) -> Reservation:
    """What was answered when the booking was held: the ledger remembers."""
    query = sa.select(ledger_entry.c.quantity, ledger_entry.c.available).where(
        ledger_entry.c.voucher_id == voucher_id,
        ledger_entry.c.kind == Kind.RESERVE,
        ledger_entry.c.booking_id == booking_id,
    )
    return Reservation(*connection.execute(query).one())


def open_holds(connection: sa.Connection) -> Iterator[HoldRow]:
    """Every open hold, by voucher and booking, read as one snapshot and streamed."""
    query = _columns().where(hold.c.state == "open").order_by(hold.c.voucher_id, hold.c.booking_id)
    for row in connection.execution_options(yield_per=1000).execute(query).mappings():
        yield HoldRow(**row)


def _columns() -> sa.Select[tuple[UUID, UUID, str, int, int, str, date]]:
    return sa.select(
        hold.c.booking_id,
        hold.c.voucher_id,
        hold.c.state,
        hold.c.quantity,
        hold.c.amount_cents,
        hold.c.provider,
        hold.c.service_date,
    )
