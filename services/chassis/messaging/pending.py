"""Which rows of the outbox are to be published, and what becomes of them."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from services.chassis.messaging.tables import MessagingTables

Row = sa.RowMapping


class Pending:
    """The outbox as the relay sees it."""

    def __init__(self, tables: MessagingTables, *, retry_maximum_seconds: float) -> None:
        self._outbox = tables.outbox
        self._retry_maximum_seconds = retry_maximum_seconds

    def next(self, connection: sa.Connection, limit: int) -> Sequence[Row]:
        """The oldest unpublished events, none of an aggregate with an event that is held back.

        Selected by flag, not after the last id seen: ids are given before commit, so a smaller one may appear
        later.
        """
        outbox = self._outbox
        earlier = outbox.alias()
        held_back = sa.select(earlier.c.subject).where(
            earlier.c.published_at.is_(None),
            earlier.c.attempts > 0,
            earlier.c.next_attempt_at > sa.func.now(),
        )
        statement = (
            sa.select(outbox)
            .where(outbox.c.published_at.is_(None), outbox.c.subject.not_in(held_back))
            .order_by(outbox.c.id)
            .limit(limit)
        )
        return connection.execute(statement).mappings().all()

    def mark_published(self, connection: sa.Connection, ids: Sequence[int]) -> None:
        """The broker has these."""
        statement = (
            sa.update(self._outbox)
            .where(self._outbox.c.id == sa.any_(sa.bindparam("ids", list(ids), sa.ARRAY(sa.BigInteger))))
            .values(published_at=sa.func.now(), last_error=None)
        )
        connection.execute(statement)

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

    def oldest_age_seconds(self, connection: sa.Connection) -> float:
        """How long the oldest unpublished event has waited; 0 when there is none."""
        outbox = self._outbox
        age = sa.func.extract("epoch", sa.func.clock_timestamp() - outbox.c.created_at)
        statement = sa.select(age).where(outbox.c.published_at.is_(None)).order_by(outbox.c.id).limit(1)
        return max(0.0, float(connection.scalar(statement) or 0.0))


def waves(rows: Sequence[Row]) -> list[list[Row]]:
    """`rows` split so that each part has at most one event of an aggregate, in order.

    A part may be published all at once: nothing in it can overtake what must come before it.
    """
    parts: list[list[Row]] = []
    seen: dict[Any, int] = {}
    for row in rows:
        turn = seen.get(row["subject"], 0)
        seen[row["subject"]] = turn + 1
        if turn == len(parts):
            parts.append([])
        parts[turn].append(row)
    return parts


def _by_reason(refused: dict[int, str]) -> list[tuple[str, list[int]]]:
    ordered = sorted(refused, key=refused.__getitem__)
    return [(reason, list(ids)) for reason, ids in groupby(ordered, key=refused.__getitem__)]
