"""Writing events down in the transaction of the change they tell of."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from services.chassis import tracing
from services.chassis.messaging.event import Event, EventType
from services.chassis.messaging.tables import MessagingTables
from services.chassis.statements import Statement

_WRITTEN: Final = (
    "event_id", "source", "type", "subject", "sequence", "occurred_at", "routing_key", "public",
    "traceparent", "data",
)  # fmt: skip
_OVERRIDABLE: Final = frozenset({"subject", "sequence", "occurred_at", "routing_key", "data"})


class Outbox:
    """Adds events of one service to its outbox table.

    Events are written here and published by the relay; nothing else sends them.

    Args:
        tables: the service's messaging tables.
        source: the service as a CloudEvents source, e.g. `ambito/ledger`.
    """

    def __init__(self, tables: MessagingTables, source: str) -> None:
        self._table = tables.outbox
        self._source = source
        self._service = source.rpartition("/")[2]
        self._write = Statement(_insertion(self._table))

    def values(self, event: Event) -> dict[str, Any]:
        """The row for `event` as column values, the current trace context included; for use in a larger
        statement.
        """
        if EventType.parse(event.type).service != self._service:
            raise ValueError(f"{event.type} is not an event of {self._source}")
        return {
            "event_id": event.id,
            "source": self._source,
            "type": event.type,
            "subject": event.subject,
            "sequence": event.sequence,
            "occurred_at": event.occurred_at,
            "routing_key": event.routing_key,
            "public": event.public,
            "traceparent": tracing.current_traceparent(),
            "data": event.data,
        }

    def add(self, connection: sa.Connection, *events: Event) -> None:
        """Write `events` in the caller's transaction, in this order."""
        self.write(connection, [self.values(event) for event in events])

    def write(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same of rows that `values` made, each where its event happened."""
        if rows:
            self._write.run(connection, {name: [row[name] for row in rows] for name in _WRITTEN})

    def insert_from(self, event: Event, source: sa.FromClause, **overrides: sa.ColumnElement[Any]) -> sa.CTE:
        """`INSERT … SELECT` of the event from `source`, as a CTE to add to a statement with `add_cte`.

        One row is written for each row of `source`: none if the guarded change in `source` did not happen.
        `source` should therefore yield at most one row. Columns of `source` may replace `subject`,
        `sequence`, `occurred_at`, `routing_key` or `data` of the event: `insert_from(event, moved,
        sequence=moved.c.version)`.
        """
        if unknown := overrides.keys() - _OVERRIDABLE:
            raise TypeError(f"cannot override {', '.join(sorted(unknown))}")
        columns: dict[str, sa.ColumnElement[Any]] = {
            name: sa.bindparam(None, value, type_=self._table.c[name].type)
            for name, value in self.values(event).items()
        }
        columns |= overrides
        chosen = sa.select(*(column.label(name) for name, column in columns.items())).select_from(source)
        return sa.insert(self._table).from_select(list(columns), chosen).cte()


def _insertion(outbox: sa.Table) -> sa.Insert:
    """Of many rows, given as a list for each column."""
    lists = (sa.bindparam(name, type_=sa.ARRAY(outbox.c[name].type)) for name in _WRITTEN)
    return sa.insert(outbox).from_select(_WRITTEN, sa.select(*map(sa.func.unnest, lists)))
