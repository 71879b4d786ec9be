"""Holds on vouchers: the hot path, one statement each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP, insert
from sqlalchemy.exc import IntegrityError

from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.ledger import Kind
from services.vouchers.persistence.chain import Facts, appended, entry_missing, facts_of_change, movement
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


def reserve(connection: sa.Connection, wanted: WantedHold, recorded_at: datetime) -> Reservation | None:
    """Reserve `wanted` if every condition of the voucher holds; None if not, and then nothing was done.

    `connection` is one of Database.statement: in a transaction, None may have ended it.
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
        row = connection.execute(_RESERVE, parameters).first()
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
    facts = Facts(
        quantity=claimed.c.quantity,
        amount_cents=claimed.c.amount_cents,
        recorded_at=claimed.c.recorded_at,
        booking_id=claimed.c.booking_id,
        provider=claimed.c.provider,
        service_date=claimed.c.service_date,
    )
    moved = (
        sa.update(voucher)
        .values(movement(Kind.RESERVE, facts))
        .where(voucher.c.id == claimed.c.voucher_id, *conditions)
        .returning(*facts_of_change(facts))
        .cte("moved")
    )
    entry = appended(Kind.RESERVE, moved, required_by=claimed)
    return sa.select(moved.c.quantity, moved.c.available).add_cte(entry)


def _end_statement(kind: Kind, state: str) -> sa.Select[tuple[UUID]]:
    """End an open hold: it can end once, and only what it reserved moves. No row: it was not open."""
    ended = (
        sa.update(hold)
        .where(
            hold.c.booking_id == sa.bindparam("of_booking", type_=hold.c.booking_id.type),
            hold.c.state == "open",
        )
        .values(state=state, ended_at=sa.bindparam("at", type_=TIMESTAMP(timezone=True)))
        .returning(
            hold.c.booking_id,
            hold.c.voucher_id,
            hold.c.quantity,
            hold.c.amount_cents,
            hold.c.provider,
            hold.c.service_date,
            hold.c.ended_at,
        )
        .cte("ended")
    )
    facts = Facts(
        quantity=ended.c.quantity,
        amount_cents=ended.c.amount_cents,
        recorded_at=ended.c.ended_at,
        booking_id=ended.c.booking_id,
        provider=ended.c.provider,
        service_date=ended.c.service_date,
    )
    values = movement(kind, facts)
    if kind is Kind.CONSUME:
        # The last consumption is an event of the voucher; its number is taken with the balance.
        exhausts = sa.and_(voucher.c.available == 0, voucher.c.reserved == ended.c.quantity)
        values["version"] = voucher.c.version + sa.case((exhausts, 1), else_=0)
    about = (voucher.c.person_id, voucher.c.comune, voucher.c.reserved, voucher.c.version)
    moved = (
        sa.update(voucher)
        .values(values)
        .where(voucher.c.id == ended.c.voucher_id)
        .returning(*facts_of_change(facts), *about)
        .cte("moved")
    )
    return sa.select(moved.c.id, moved.c.available, *(moved.c[column.name] for column in about)).add_cte(
        appended(kind, moved)
    )


_RESERVE: Final = _reserve_statement()
_RELEASE: Final = _end_statement(Kind.RELEASE, "released")
_CONSUME: Final = _end_statement(Kind.CONSUME, "consumed")


@dataclass(frozen=True, slots=True)
class Ended:
    """The voucher after one of its holds ended."""

    voucher_id: UUID
    person_id: UUID
    comune: str
    available: int
    reserved: int
    version: int


def release(connection: sa.Connection, booking_id: UUID, at: datetime) -> Ended | None:
    """Give back what the booking's open hold reserved; None if it has no open hold."""
    return _ended(connection, _RELEASE, booking_id, at)


def consume(connection: sa.Connection, booking_id: UUID, at: datetime) -> Ended | None:
    """Use what the booking's open hold reserved; None if it has no open hold. The voucher's `version` grows
    when this leaves nothing on it.
    """
    return _ended(connection, _CONSUME, booking_id, at)


def _ended(
    connection: sa.Connection, statement: sa.Select[tuple[UUID]], booking_id: UUID, at: datetime
) -> Ended | None:
    row = connection.execute(statement, {"of_booking": booking_id, "at": at}).mappings().first()
    if row is None:
        return None
    return Ended(
        voucher_id=row["id"],
        person_id=row["person_id"],
        comune=row["comune"],
        available=row["available"],
        reserved=row["reserved"],
        version=row["version"],
    )


def bury(connection: sa.Connection, booking_id: UUID, at: datetime) -> bool:
    """Leave a tombstone that refuses the booking's hold if it should still come. False: the booking has a row
    already.
    """
    statement = (
        insert(hold)
        .values(booking_id=booking_id, state="released", recorded_at=at, ended_at=at)
        .on_conflict_do_nothing(index_elements=[hold.c.booking_id])
        .returning(hold.c.booking_id)
    )
    return connection.execute(statement).first() is not None


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
