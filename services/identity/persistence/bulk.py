"""Writing many persons at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg import Connection, sql

from services.identity.persistence.tables import codice_fiscale, messaging, person

Row = dict[str, Any]


def copy_persons(
    connection: sa.Connection,
    *,
    persons: Sequence[Row],
    codes: Sequence[Row],
    events: Sequence[Row],
) -> None:
    """Write rows of `person`, `codice_fiscale` and `outbox` with COPY, in the connection's transaction.

    A codice fiscale that somebody else wrote meanwhile makes all of them fail.
    """
    for table, rows in ((person, persons), (codice_fiscale, codes), (messaging.outbox, events)):
        _copy(connection, table, rows)


def _copy(connection: sa.Connection, table: sa.Table, rows: Iterable[Row]) -> None:
    driver: Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return
    names = list(first)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write_row([first[name] for name in names])
        for row in iterator:
            copy.write_row([row[name] for name in names])
