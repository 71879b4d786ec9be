"""Advisory locks of a database, by name: at most one session holds each.

They use the two-integer key space, which leaves the one of single bigints to the services.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from psycopg.errors import LockNotAvailable

from services.chassis.statements import Statement

_CLASS: Final = 0x616D6274
MIGRATION: Final = "migration"
RELAY: Final = "relay"
RELAY_ASLEEP: Final = "relay-asleep"


def key(name: str) -> tuple[int, int]:
    """The pair of int4 under which PostgreSQL knows the lock called `name`."""
    return _CLASS, zlib.crc32(name.encode()) - 2**31


def try_lock(connection: sa.Connection, name: str) -> bool:
    """Take the lock for the connection's session, or return False at once if another session has it."""
    return bool(_TRY.all(connection, _parameters(name))[0].taken)


def lock(connection: sa.Connection, name: str) -> bool:
    """Wait for the lock as long as the session's `lock_timeout` allows; whether it was granted.

    `connection` must commit each statement by itself: inside a transaction the timeout would end the
    transaction.
    """
    try:
        _TAKE.all(connection, _parameters(name))
    except sa.exc.OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            return False
        raise
    return True


def unlock(connection: sa.Connection, name: str) -> None:
    """Give the lock back; the end of the session does so as well."""
    _GIVE_BACK.all(connection, _parameters(name))


@contextmanager
def lock_or_skip(connection: sa.Connection, name: str) -> Iterator[bool]:
    """Hold the lock for the block if it is free; yields whether it is held."""
    held = try_lock(connection, name)
    try:
        yield held
    finally:
        if held and not connection.invalidated:
            unlock(connection, name)


_KEY: Final = (sa.bindparam("space", type_=sa.Integer), sa.bindparam("number", type_=sa.Integer))
_TRY: Final = Statement(sa.select(sa.func.pg_try_advisory_lock(*_KEY).label("taken")))
_TAKE: Final = Statement(sa.select(sa.func.pg_advisory_lock(*_KEY)))
_GIVE_BACK: Final = Statement(sa.select(sa.func.pg_advisory_unlock(*_KEY)))


def _parameters(name: str) -> dict[str, int]:
    space, number = key(name)
    return {"space": space, "number": number}
