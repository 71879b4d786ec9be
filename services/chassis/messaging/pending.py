"""Which rows of the outbox are to be published, and what becomes of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from services.chassis.messaging.tables import MessagingTables
from services.chassis.statements import Statement

Row = Mapping[str, Any]
"""Column names and values of an event in the outbox."""
_OF_THE_TRIES: Final = frozenset({"published_at", "attempts", "next_attempt_at", "last_error"})
COUNTED_AT_MOST: Final = 10_000
"""Counting more would cost the database more than the number is worth."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What has not been published: `count` goes no further than COUNTED_AT_MOST; the age is 0 if there is
    nothing.
    """

    count: int
    oldest_age_seconds: float


class Pending:
    """The outbox as the relay sees it."""

    def __init__(self, tables: MessagingTables, *, retry_maximum_seconds: float) -> None:
        self._outbox = tables.outbox
        self._retry_maximum_seconds = retry_maximum_seconds
        self._next = _next_statement(tables.outbox)
        self._mark = Statement(
            sa.update(tables.outbox)
            .where(tables.outbox.c.id == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.BigInteger))))
            .values(published_at=sa.func.now(), last_error=None)
        )
        self._backlog = _backlog_statement(tables.outbox)

    def next(self, connection: sa.Connection, limit: int, *, besides: Collection[str] = ()) -> Sequence[Row]:
        """The oldest unpublished events, none of an aggregate in `besides` or with an event that is held
        back.

        Selected by flag, not after the last id seen: ids are given before commit, so a smaller one may appear
        later.
        """
        rows = self._next.all(connection, {"most": limit, "besides": list(besides)})
        return [row._asdict() for row in rows]

    def mark_published(self, connection: sa.Connection, ids: Sequence[int]) -> None:
        """The broker has these."""
        self._mark.run(connection, {"ids": list(ids)})

    def hold_back(self, connection: sa.Connection, refused: dict[int, str]) -> None:
        """The broker did not take these, for these reasons: try again after a pause that grows."""
        outbox = self._outbox
        seconds = sa.func.least(
            self._retry_maximum_seconds, sa.func.power(2.0, sa.func.least(outbox.c.attempts, 16))
        ) * (sa.literal(0.5) + sa.func.random() / 2)
        pause = seconds * sa.text("interval '1 second'")
        for reason, ids in _by_reason(refused):
            statement = (
                sa.update(outbox)
                .where(outbox.c.id == sa.any_(sa.bindparam("ids", ids, sa.ARRAY(sa.BigInteger))))
                .values(
                    attempts=outbox.c.attempts + 1,
                    last_error=reason[:500],
                    next_attempt_at=sa.func.now() + pause,
                )
            )
            connection.execute(statement)

    def backlog(self, connection: sa.Connection) -> Backlog:
        """How many events are unpublished, and for how long the oldest has been."""
        row = connection.execute(self._backlog).one()
        return Backlog(int(row.number), max(0.0, float(row.age or 0.0)))


def first_of_each(rows: Sequence[Row]) -> list[Row]:
    """The first row of every aggregate. They may be published all at once: nothing in them can overtake what
    must come before it.
    """
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row["subject"], row)
    return list(first.values())


def _next_statement(outbox: sa.Table) -> Statement:
    earlier = outbox.alias()
    held_back = sa.select(earlier.c.subject).where(
        earlier.c.published_at.is_(None),
        earlier.c.attempts
        > sa.text("0"),  # in its index's words: no parameter, or one plan for all cannot use it
        earlier.c.next_attempt_at > sa.func.now(),
    )
    return Statement(
        sa.select(*(column for column in outbox.c if column.name not in _OF_THE_TRIES))
        .where(
            outbox.c.published_at.is_(None),
            outbox.c.subject.not_in(held_back),
            # As a subquery it is looked up in a hash; an array would be gone through for every row.
            outbox.c.subject.not_in(
                sa.select(sa.func.unnest(sa.bindparam("besides", type_=sa.ARRAY(sa.Text))))
            ),
        )
        .order_by(outbox.c.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


def _backlog_statement(outbox: sa.Table) -> sa.Executable:
    oldest_first = (
        sa.select(outbox.c.created_at)
        .where(outbox.c.published_at.is_(None))
        .order_by(outbox.c.id)
        .limit(COUNTED_AT_MOST)
        .subquery()
    )
    age = sa.func.extract("epoch", sa.func.clock_timestamp() - sa.func.min(oldest_first.c.created_at))
    return sa.select(sa.func.count().label("number"), age.label("age")).select_from(oldest_first)


def _by_reason(refused: dict[int, str]) -> list[tuple[str, list[int]]]:
    ordered = sorted(refused, key=refused.__getitem__)
    return [(reason, list(ids)) for reason, ids in groupby(ordered, key=refused.__getitem__)]
