"""Reading the ledger: history, verification, the month's statement, and what must agree with what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.ledger import Entry, Head, Kind
from services.vouchers.domain.period import Period
from services.vouchers.persistence.tables import budget, hold, ledger_entry, voucher
from services.vouchers.persistence.vouchers import balance_of, terms_of

BATCH: Final = 100
"""Vouchers that one query of `ledgers` reads."""
_OWN = "own_"  # before the names of a voucher's columns, where an entry's stand beside them


@dataclass(frozen=True, slots=True)
class Consumption:
    """One line of a month's statement: a consumption as the ledger has it."""

    booking_id: UUID
    voucher_id: UUID
    comune: str
    measure: str
    service: str
    service_date: date
    quantity: int
    unit: Unit
    amount_cents: int
    sequence: int


def entries_of(connection: sa.Connection, voucher_id: UUID) -> list[Entry]:
    """A voucher's entries, oldest first."""
    query = sa.select(ledger_entry).where(ledger_entry.c.voucher_id == voucher_id)
    return [_entry(row) for row in connection.execute(query.order_by(ledger_entry.c.sequence)).mappings()]


def ledgers(
    connection: sa.Connection, *, voucher_id: UUID | None = None, comuni: frozenset[str] | None = None
) -> Iterator[tuple[Head, Iterator[Entry]]]:
    """Vouchers with their entries, by id: one voucher, those of some comuni, or all of them.

    One query for BATCH of them: a voucher's row and its entries are of the same instant, the first ones come
    at once, and any number of them fits in memory. Read each voucher's entries before asking for the next.
    """
    wanted = sa.select(voucher).order_by(voucher.c.id).limit(BATCH)
    if voucher_id is not None:
        wanted = wanted.where(voucher.c.id == voucher_id)
    if comuni is not None:
        wanted = wanted.where(voucher.c.comune.in_(comuni))
    batch = wanted
    while True:
        count = 0
        for head, entries in _ledgers_of(connection, batch.subquery()):
            count += 1
            batch = wanted.where(voucher.c.id > head.voucher_id)
            yield head, entries
        if count < BATCH:
            return


def batch(connection: sa.Connection, after: UUID | None) -> Iterator[tuple[Head, Iterator[Entry]]]:
    """At most BATCH vouchers with their entries, by id: those after `after`, or the first."""
    wanted = sa.select(voucher).order_by(voucher.c.id).limit(BATCH)
    if after is not None:
        wanted = wanted.where(voucher.c.id > after)
    yield from _ledgers_of(connection, wanted.subquery())


def consumptions(
    connection: sa.Connection, provider: str, days: Period, comuni: frozenset[str] | None
) -> list[Consumption]:
    """What a cooperative's visits on `days` consumed, of vouchers of `comuni` (None: of all), by day and
    booking.
    """
    query = (
        sa.select(
            ledger_entry.c.booking_id,
            ledger_entry.c.voucher_id,
            voucher.c.comune,
            voucher.c.measure,
            voucher.c.service,
            ledger_entry.c.service_date,
            ledger_entry.c.quantity,
            voucher.c.unit,
            ledger_entry.c.amount_cents,
            ledger_entry.c.sequence,
        )
        .join_from(ledger_entry, voucher, voucher.c.id == ledger_entry.c.voucher_id)
        .where(
            ledger_entry.c.kind == Kind.CONSUME,
            ledger_entry.c.provider == provider,
            ledger_entry.c.service_date.between(days.first, days.last),
        )
        .order_by(ledger_entry.c.service_date, ledger_entry.c.booking_id)
    )
    if comuni is not None:
        query = query.where(voucher.c.comune.in_(comuni))
    return [
        Consumption(**row | {"unit": Unit(row["unit"])})
        for row in map(dict, connection.execute(query).mappings())
    ]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two figures that should be equal. `what` names the rule and the row."""

    what: str
    expected: int
    found: int


def differences(connection: sa.Connection) -> list[Difference]:
    """Where the service's own tables disagree: open holds with reservations, budgets and costs with the
    ledger.

    Each rule is one query, so it compares figures of one instant.
    """
    held = (
        sa.select(hold.c.voucher_id, sa.func.sum(hold.c.quantity).label("total"))
        .where(hold.c.state == "open")
        .group_by(hold.c.voucher_id)
    )
    spent = (
        sa.select(ledger_entry.c.voucher_id, sa.func.sum(ledger_entry.c.amount_cents).label("total"))
        .where(ledger_entry.c.kind == Kind.CONSUME)
        .group_by(ledger_entry.c.voucher_id)
    )
    return (
        _of_vouchers(connection, "reserved on voucher {}, against its open holds", held, voucher.c.reserved)
        + _of_budgets(connection)
        + _of_vouchers(
            connection, "cents consumed of voucher {}, against its ledger", spent, voucher.c.consumed_cents
        )
    )


def _of_vouchers(
    connection: sa.Connection, what: str, totals: sa.Select[tuple[UUID, int]], kept: sa.ColumnElement[int]
) -> list[Difference]:
    """Vouchers whose total (none: 0) is not what their row keeps."""
    each = totals.subquery()
    total = sa.func.coalesce(each.c.total, 0)
    query = (
        sa.select(voucher.c.id, total, kept)
        .join_from(voucher, each, each.c.voucher_id == voucher.c.id, isouter=True)
        .where(total != kept)
    )
    return [
        Difference(what.format(number), int(expected), int(found))
        for number, expected, found in connection.execute(query)
    ]


def _of_budgets(connection: sa.Connection) -> list[Difference]:
    """Budgets whose commitment is not what their vouchers' ledgers bind."""
    key = (voucher.c.comune, voucher.c.fund, voucher.c.budget_year)
    signed = sa.case(
        (ledger_entry.c.kind == Kind.ISSUE, ledger_entry.c.amount_cents), else_=-ledger_entry.c.amount_cents
    )
    bound = (
        sa.select(*key, sa.func.sum(signed).label("total"))
        .join_from(voucher, ledger_entry, ledger_entry.c.voucher_id == voucher.c.id)
        .where(ledger_entry.c.kind.in_([Kind.ISSUE, Kind.EXPIRE]))
        .group_by(*key)
        .subquery()
    )
    total = sa.func.coalesce(bound.c.total, 0)
    same = sa.and_(
        bound.c.comune == budget.c.comune, bound.c.fund == budget.c.fund, bound.c.budget_year == budget.c.year
    )
    query = (
        sa.select(budget.c.comune, budget.c.fund, budget.c.year, total, budget.c.committed_cents)
        .join_from(budget, bound, same, isouter=True)
        .where(total != budget.c.committed_cents)
    )
    return [
        Difference(
            f"committed of budget {comune} {fund} {year}, against its ledger", int(expected), int(found)
        )
        for comune, fund, year, expected, found in connection.execute(query)
    ]


def _ledgers_of(connection: sa.Connection, chosen: sa.Subquery) -> Iterator[tuple[Head, Iterator[Entry]]]:
    own = [column.label(f"{_OWN}{column.name}") for column in chosen.c]
    query = (
        sa.select(*own, ledger_entry)
        .join_from(chosen, ledger_entry, ledger_entry.c.voucher_id == chosen.c.id, isouter=True)
        .order_by(chosen.c.id, ledger_entry.c.sequence)
    )
    rows = connection.execute(query).mappings()
    for _, group in groupby(rows, key=lambda row: row[f"{_OWN}id"]):
        first = next(group)
        yield _head(first), _entries(first, group)  # noqa: B031 - each group is read once


def _head(row: Any) -> Head:  # noqa: ANN401 - a row's mapping
    own = {name.removeprefix(_OWN): row[name] for name in row if name.startswith(_OWN)}
    return Head(own["id"], terms_of(own), balance_of(own), own["entries"], own["head_hash"])


def _entries(first: Any, others: Iterator[Any]) -> Iterator[Entry]:  # noqa: ANN401 - rows' mappings
    if first["sequence"] is not None:  # a voucher without any entry has one row of the join, all NULL
        yield _entry(first)
    yield from map(_entry, others)


def _entry(row: Any) -> Entry:  # noqa: ANN401 - a row's mapping
    return Entry(
        voucher_id=row["voucher_id"],
        sequence=row["sequence"],
        kind=row["kind"],
        quantity=row["quantity"],
        amount_cents=row["amount_cents"],
        available=row["available"],
        booking_id=row["booking_id"],
        provider=row["provider"],
        service_date=row["service_date"],
        recorded_at=row["recorded_at"],
        hash=row["hash"],
    )
