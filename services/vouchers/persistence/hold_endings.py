"""Holds that end: released, consumed, or refused before they came; many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
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

_IDS: Final = sa.ARRAY(hold.c.booking_id.type)


@dataclass(frozen=True, slots=True)
class Ended:
    """The voucher after one of its holds ended."""

    voucher_id: UUID
    person_id: UUID
    comune: str
    available: int
    reserved: int
    version: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a booking: its hold, or a tombstone, which has no voucher and is "released"."""

    voucher_id: UUID | None
    state: str


def lock(
    connection: sa.Connection, released: Collection[UUID], delivered: Collection[UUID], at: datetime
) -> dict[UUID, Kept]:
    """What is kept of these bookings, until the transaction ends; a tombstone is left for each of `released`
    of which nothing was.

    Two that end holds of the same vouchers must not wait for each other in a circle. So all holds are locked
    before all vouchers, and each in one order everywhere. A hold may be being written at this moment, by
    somebody who waits for its voucher: its tombstone, which waits for them, is left before any voucher is
    locked.
    """
    kept = _lock_holds(connection, {*released, *delivered})
    if early := set(released) - kept.keys():
        _BURY.run(connection, {"bookings": sorted(early), "at": at})
        kept |= _lock_holds(connection, early)
    vouchers = {each.voucher_id for each in kept.values() if each.state == "open"}
    if len(vouchers) > 1:
        _LOCK_VOUCHERS.run(connection, {"vouchers": list(vouchers)})
    return kept


def release(connection: sa.Connection, holds: Mapping[UUID, Kept], at: datetime) -> dict[UUID, Ended]:
    """Give back what those of `holds` that are open reserved; them, by booking, as `holds` are."""
    return _ended(connection, _RELEASE, holds, at)


def consume(connection: sa.Connection, holds: Mapping[UUID, Kept], at: datetime) -> dict[UUID, Ended]:
    """Use what those of `holds` that are open reserved; them, by booking, as `holds` are. A voucher's
    `version` grows when this leaves nothing on it.
    """
    return _ended(connection, _CONSUME, holds, at)


def _lock_holds(connection: sa.Connection, bookings: Collection[UUID]) -> dict[UUID, Kept]:
    rows = _LOCK_HOLDS.all(connection, {"bookings": list(bookings)})
    return {row.booking_id: Kept(row.voucher_id, row.state) for row in rows}


def _ended(
    connection: sa.Connection, statement: Statement, holds: Mapping[UUID, Kept], at: datetime
) -> dict[UUID, Ended]:
    ended = {}
    for bookings in _each_voucher_once(holds):
        for row in statement.all(connection, {"of_bookings": bookings, "at": at}):
            ended[row.booking_id] = Ended(
                voucher_id=row.id,
                person_id=row.person_id,
                comune=row.comune,
                available=row.available,
                reserved=row.reserved,
                version=row.version,
            )
    return ended


def _each_voucher_once(holds: Mapping[UUID, Kept]) -> list[list[UUID]]:
    """The open ones in groups with one of each voucher at most: one UPDATE changes a row once."""
    groups: list[list[UUID]] = []
    so_far: Counter[UUID | None] = Counter()
    for booking_id, each in holds.items():
        if each.state == "open":
            if so_far[each.voucher_id] == len(groups):
                groups.append([])
            groups[so_far[each.voucher_id]].append(booking_id)
            so_far[each.voucher_id] += 1
    return groups


def _end_statement(kind: Kind, state: str) -> Statement:
    """End open holds of different vouchers: each can end once, and only what it reserved moves. No row of
    those that are not open.
    """
    ended = (
        sa.update(hold)
        .where(
            hold.c.booking_id == sa.any_(sa.bindparam("of_bookings", type_=_IDS)),
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
    told = sa.select(
        moved.c.booking_id, moved.c.id, moved.c.available, *(moved.c[column.name] for column in about)
    )
    return Statement(told.add_cte(appended(kind, moved)))


_RELEASE: Final = _end_statement(Kind.RELEASE, "released")
_CONSUME: Final = _end_statement(Kind.CONSUME, "consumed")
_LOCK_HOLDS: Final = Statement(
    sa.select(hold.c.booking_id, hold.c.voucher_id, hold.c.state)
    .where(hold.c.booking_id == sa.any_(sa.bindparam("bookings", type_=_IDS)))
    .order_by(hold.c.booking_id)
    .with_for_update(key_share=True)
)
_LOCK_VOUCHERS: Final = Statement(
    sa.select(voucher.c.id)
    .where(voucher.c.id == sa.any_(sa.bindparam("vouchers", type_=_IDS)))
    .order_by(voucher.c.id)
    .with_for_update(key_share=True)
)


def _bury_statement() -> Statement:
    """A tombstone for each booking that has no row."""
    at = sa.bindparam("at", type_=TIMESTAMP(timezone=True))
    values = {
        "booking_id": sa.func.unnest(sa.bindparam("bookings", type_=_IDS)),
        "state": sa.literal("released", sa.Text),
        "recorded_at": at,
        "ended_at": at,
    }
    rows = insert(hold).from_select(list(values), sa.select(*values.values()))
    return Statement(rows.on_conflict_do_nothing(index_elements=[hold.c.booking_id]))


_BURY: Final = _bury_statement()
