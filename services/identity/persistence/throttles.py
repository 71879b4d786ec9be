"""Attempts in a row, by keyed hash of who makes them or at what."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.identity.domain.throttle import Attempts
from services.identity.persistence.tables import throttle


def hold(connection: sa.Connection, key_index: bytes, now: datetime) -> Attempts:
    """The attempts under this key, held until the transaction ends; a key never seen has none."""
    # One statement: between an insert that found the row and a select for it, another might forget the row.
    row = connection.execute(
        insert(throttle)
        .values(key_index=key_index, attempts=0, last_at=now, blocked_until=now)
        .on_conflict_do_update(index_elements=["key_index"], set_={"attempts": throttle.c.attempts})
        .returning(throttle)
    ).one()
    return Attempts(row.attempts, row.last_at, row.blocked_until)


def save(connection: sa.Connection, key_index: bytes, attempts: Attempts) -> None:
    connection.execute(
        sa.update(throttle)
        .where(throttle.c.key_index == key_index)
        .values(attempts=attempts.count, last_at=attempts.last_at, blocked_until=attempts.blocked_until)
    )


def forget(connection: sa.Connection, key_index: bytes) -> None:
    """As if nothing had been tried under this key."""
    connection.execute(sa.delete(throttle).where(throttle.c.key_index == key_index))


def give_back(connection: sa.Connection, key_index: bytes) -> None:
    """Take one attempt off the count, and the wait it caused."""
    connection.execute(
        sa.update(throttle)
        .where(throttle.c.key_index == key_index)
        .values(attempts=sa.func.greatest(throttle.c.attempts - 1, 0), blocked_until=throttle.c.last_at)
    )


def purge_forgotten(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Delete at most `limit` rows last touched before an instant; how many."""
    return _delete(connection, _OLDEST.where(throttle.c.last_at < before).limit(limit))


def purge_surplus(connection: sa.Connection, *, most: int, limit: int) -> int:
    """Delete the oldest rows beyond `most`, at most `limit` of them; how many."""
    rows = connection.execute(sa.select(sa.func.count()).select_from(throttle)).scalar_one()
    return _delete(connection, _OLDEST.limit(max(0, min(rows - most, limit))))


_OLDEST = sa.select(throttle.c.key_index).order_by(throttle.c.last_at).with_for_update(skip_locked=True)


def _delete(connection: sa.Connection, batch: sa.Select[tuple[bytes]]) -> int:
    doomed = batch.cte()
    return connection.execute(sa.delete(throttle).where(throttle.c.key_index == doomed.c.key_index)).rowcount
