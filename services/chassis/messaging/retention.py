"""Rows that have served their purpose are deleted, a few at a time."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from services.chassis.messaging.tables import MessagingTables

BATCH_ROWS: Final = 1_000
_BATCHES_PER_TURN: Final = 20


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows are kept, counted from publication, receipt and first use respectively."""

    outbox: timedelta
    inbox: timedelta
    idempotency: timedelta


def purge(connection: sa.Connection, tables: MessagingTables, retention: Retention) -> int:
    """Delete what is older than `retention`, at most 20 batches of 1,000 rows; returns how many went.

    `connection` commits each statement by itself, so that no lock is held for longer than a batch takes.
    """
    deleted = 0
    for column, age in (
        (tables.outbox.c.published_at, retention.outbox),
        (tables.inbox.c.received_at, retention.inbox),
        (tables.idempotency.c.created_at, retention.idempotency),
    ):
        deleted += _purge_older(connection, column, age)
    return deleted


def _purge_older(connection: sa.Connection, column: sa.Column[object], age: timedelta) -> int:
    table = column.table
    row: sa.ColumnClause[object] = sa.literal_column("ctid")
    old = sa.select(row).select_from(table).where(column < sa.func.now() - age).limit(BATCH_ROWS)
    statement = sa.delete(table).where(row == sa.any_(sa.func.array(old.scalar_subquery())))
    deleted = 0
    for _ in range(_BATCHES_PER_TURN):
        gone = connection.execute(statement).rowcount
        deleted += gone
        if gone < BATCH_ROWS:
            break
    return deleted
