"""Moving a voucher's balance and appending the entry that says so, in one statement.

A statement is built in three steps: its UPDATE (or INSERT) of the voucher takes the values of `movement`,
returns `facts_of_change`, and `appended` inserts the ledger's entry from what it returned. The new hash is
computed by PostgreSQL from the row as it is at the moment of the change, so two statements that meet on one
voucher chain one after the other without having read anything before. domain.ledger computes the same hash to
verify.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg.errors import NotNullViolation
from sqlalchemy.exc import IntegrityError

from services.vouchers.domain.ledger import CANONICAL_VERSION, MOVEMENTS, Kind, Terms
from services.vouchers.persistence.tables import ledger_entry, voucher

_BOOKING_COLUMNS = ("booking_id", "provider", "service_date")


@dataclass(frozen=True, slots=True)
class Facts:
    """What an entry says besides its place in the chain, as SQL. Without a booking the last three are
    None.
    """

    quantity: sa.ColumnElement[int]
    amount_cents: sa.ColumnElement[int]
    recorded_at: sa.ColumnElement[Any]
    booking_id: sa.ColumnElement[Any] | None = None
    provider: sa.ColumnElement[Any] | None = None
    service_date: sa.ColumnElement[Any] | None = None


def facts_of_hold(changed: sa.CTE, recorded_at: sa.ColumnElement[Any]) -> Facts:
    """What an entry says of a hold that a statement made or ended; `changed` returns the hold's columns."""
    return Facts(
        quantity=changed.c.quantity,
        amount_cents=changed.c.amount_cents,
        recorded_at=recorded_at,
        booking_id=changed.c.booking_id,
        provider=changed.c.provider,
        service_date=changed.c.service_date,
    )


def movement(kind: Kind, facts: Facts) -> dict[str, sa.ColumnElement[Any]]:
    """Values for an UPDATE of `voucher`: the balance moved by `kind`, the ledger's count and its new last
    hash.
    """
    values: dict[str, sa.ColumnElement[Any]] = {
        part: voucher.c[part] + facts.quantity if sign > 0 else voucher.c[part] - facts.quantity
        for part, sign in MOVEMENTS[kind].items()
    }
    values["entries"] = voucher.c.entries + 1
    values["head_hash"] = hash_of(
        kind,
        facts,
        previous=voucher.c.head_hash,
        voucher_id=voucher.c.id,
        sequence=values["entries"],
        available=values.get("available", voucher.c.available),
    )
    return values


def facts_of_change(facts: Facts) -> list[sa.ColumnElement[Any]]:
    """What the statement that changed the voucher returns for `appended`."""
    booking = [value.label(name) for name in _BOOKING_COLUMNS if (value := getattr(facts, name)) is not None]
    return [
        voucher.c.id,
        voucher.c.entries,
        voucher.c.available,
        voucher.c.head_hash,
        facts.quantity.label("quantity"),
        facts.amount_cents.label("amount_cents"),
        facts.recorded_at.label("recorded_at"),
        *booking,
    ]


def appended(kind: Kind, change: sa.CTE, *, required_by: sa.CTE | None = None) -> sa.CTE:
    """INSERT of one entry for every voucher that `change` returned; add it to the statement with
    `add_cte`.

    With `required_by`, a row of that without a change fails the whole statement: NULLs are no entry. So a
    statement takes back what it has done already, without a transaction around it; `entry_missing` tells it.
    """
    columns: dict[str, sa.ColumnElement[Any]] = {
        "voucher_id": change.c.id,
        "sequence": change.c.entries,
        "kind": sa.literal(str(kind), sa.Text),
        "quantity": change.c.quantity,
        "amount_cents": change.c.amount_cents,
        "available": change.c.available,
        "recorded_at": change.c.recorded_at,
        "hash": change.c.head_hash,
    } | {name: change.c[name] for name in _BOOKING_COLUMNS if name in change.c}
    entry = sa.select(*columns.values())
    if required_by is not None:
        entry = entry.select_from(required_by.outerjoin(change, sa.true()))
    return sa.insert(ledger_entry).from_select(list(columns), entry).cte("entry")


def entry_missing(error: IntegrityError) -> bool:
    """Whether a statement failed because what required an entry had none."""
    return isinstance(error.orig, NotNullViolation) and error.orig.diag.table_name == ledger_entry.name


def hash_of(
    kind: Kind,
    facts: Facts,
    *,
    previous: sa.ColumnElement[str],
    voucher_id: sa.ColumnElement[Any],
    sequence: sa.ColumnElement[int],
    available: sa.ColumnElement[int],
    terms: Terms | None = None,
) -> sa.ColumnElement[str]:
    """The entry's hash, as domain.ledger's Entry.canonical and chained_hash define it; `terms` for an
    issue.
    """
    day = None if facts.service_date is None else sa.func.to_char(facts.service_date, "YYYY-MM-DD")
    instant = sa.func.to_char(sa.func.timezone("UTC", facts.recorded_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    parts = (
        sa.literal(CANONICAL_VERSION, sa.Text),
        voucher_id,
        sequence,
        sa.literal(str(kind), sa.Text),
        facts.quantity,
        facts.amount_cents,
        available,
        _or_empty(facts.booking_id),
        _or_empty(facts.provider),
        _or_empty(day),
        instant,
        *([] if terms is None else [sa.literal(terms.canonical(), sa.Text)]),
    )
    text = previous.concat(sa.func.concat_ws("|", *(sa.cast(part, sa.Text) for part in parts)))
    return sa.func.encode(sa.func.sha256(sa.func.convert_to(text, "UTF8")), "hex")


def _or_empty(value: sa.ColumnElement[Any] | None) -> sa.ColumnElement[str]:
    # concat_ws would leave a NULL out, and with it the separator.
    return sa.literal("", sa.Text) if value is None else sa.func.coalesce(sa.cast(value, sa.Text), "")
