"""Open holds by the thousand, each of all that a voucher of its own has.

For copies only: no ledger entry tells how the vouchers came to be, so their chains do not verify.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.chassis.database import Database
from services.vouchers.persistence.tables import hold, plan_line, voucher

_MINUTES = 60
_CENTS = 2_200
_FIRST_POSITION = 1_000


class Holds:
    """Numbered as `statements.fresh_id(0)` does it in a script, which can so find them without a query."""

    def __init__(self, database: Database, *, clients: int) -> None:
        """`database`: with some active voucher. `clients`: of pgbench."""
        self._database = database
        self._clients = clients
        self._runs = 0

    def make(self, count: int) -> tuple[int, Sequence[UUID]]:
        """The `n` that a script of `clients` starts from, and the bookings of at least `count` holds."""
        start = self._runs
        self._runs += -(-count // self._clients)
        bookings = [
            UUID(f"{n:08x}-0000-7000-8000-{client:08x}0000")
            for n in range(start + 1, self._runs + 1)
            for client in range(self._clients)
        ]
        with self._database.transaction() as connection:
            _insert(connection, bookings, after=_FIRST_POSITION + start * self._clients)
            connection.execute(sa.text("ANALYZE hold, voucher"))
        return start, bookings

    def ended(self, bookings: Sequence[UUID]) -> int:
        """How many of these are open no more."""
        query = sa.select(sa.func.count()).where(
            hold.c.booking_id == sa.any_(_array(bookings)), hold.c.state != "open"
        )
        with self._database.read() as connection:
            return connection.scalar(query) or 0


def _insert(connection: sa.Connection, bookings: Sequence[UUID], *, after: int) -> None:
    """A line of a plan, a voucher and a hold for each, all under the booking's id. `after`: of the lines."""
    made = sa.func.unnest(_array(bookings)).table_valued("id").render_derived(name="made")
    some = sa.select(voucher).where(voucher.c.state == "active").limit(1).subquery("some")
    line = sa.select(plan_line).where(plan_line.c.id == some.c.plan_line_id).subquery("line")
    position = after + sa.func.row_number().over()
    _insert_each(connection, plan_line, made, line, {"id": made.c.id, "position": position})
    full = {"id": made.c.id, "plan_line_id": made.c.id, "issued": _MINUTES, "reserved": _MINUTES}
    empty = dict.fromkeys(("available", "consumed", "returned", "expired"), 0)
    _insert_each(connection, voucher, made, some, full | empty)
    held = {
        "booking_id": made.c.id,
        "voucher_id": made.c.id,
        "state": "open",
        "quantity": _MINUTES,
        "amount_cents": _CENTS,
        "provider": some.c.assigned_providers[1],
        "service_date": some.c.valid_from,
        "recorded_at": datetime.now(UTC),
        "ended_at": None,
    }
    _insert_each(connection, hold, made, some, held)


def _insert_each(
    connection: sa.Connection,
    table: sa.Table,
    made: sa.FromClause,
    like: sa.FromClause,
    different: Mapping[str, object],
) -> None:
    """A row of `table` for each of `made`: the one in `like`, but for what is different."""
    columns = []
    for column in table.c:
        value = different[column.name] if column.name in different else like.c[column.name]
        columns.append(value if isinstance(value, sa.ColumnElement) else sa.literal(value, column.type))
    rows = sa.select(*columns).select_from(made.join(like, sa.true()))
    connection.execute(sa.insert(table).from_select([column.name for column in table.c], rows))


def _array(ids: Sequence[UUID]) -> sa.BindParameter[Sequence[UUID]]:
    return sa.bindparam(None, list(ids), ARRAY(hold.c.booking_id.type))
