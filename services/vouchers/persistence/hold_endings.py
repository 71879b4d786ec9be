"""Holds that end: released, consumed, or refused before they came; one statement each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP, insert

from services.chassis.statements import Statement
from services.vouchers.domain.ledger import Kind
from services.vouchers.persistence.chain import appended, facts_of_change, facts_of_hold, movement
from services.vouchers.persistence.tables import hold, voucher


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


def _ended(connection: sa.Connection, statement: Statement, booking_id: UUID, at: datetime) -> Ended | None:
    row = statement.first(connection, {"of_booking": booking_id, "at": at})
    if row is None:
        return None
    return Ended(
        voucher_id=row.id,
        person_id=row.person_id,
        comune=row.comune,
        available=row.available,
        reserved=row.reserved,
        version=row.version,
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


def _end_statement(kind: Kind, state: str) -> Statement:
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
    facts = facts_of_hold(ended, ended.c.ended_at)
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
    told = sa.select(moved.c.id, moved.c.available, *(moved.c[column.name] for column in about))
    return Statement(told.add_cte(appended(kind, moved)))


_RELEASE: Final = _end_statement(Kind.RELEASE, "released")
_CONSUME: Final = _end_statement(Kind.CONSUME, "consumed")
