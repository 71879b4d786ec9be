"""Throwing away what is no longer needed: in batches, so that each run is short."""

from __future__ import annotations

from datetime import timedelta

from services.chassis.civil_time import local_day
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.identity.domain.throttle import BY_ADDRESS, BY_TARGET
from services.identity.persistence import delegations, sessions, throttles

_BATCH = 1_000
_LARGE_BATCH = 10_000


def purge_sessions(database: Database, clock: Clock, *, kept_for: timedelta) -> int:
    """Delete sessions that ended longer ago than `kept_for`, with their tokens; how many, at most a batch."""
    with database.transaction() as connection:
        return sessions.purge(connection, before=clock.now() - kept_for, limit=_BATCH)


def purge_throttles(database: Database, clock: Clock, *, most_rows: int) -> int:
    """Delete attempts that are forgotten anyway, and the oldest beyond `most_rows`; how many.

    A row appears only with an attempt that goes on to hash a password, so between two runs only so many come.
    """
    before = clock.now() - max(BY_TARGET.forgotten_after, BY_ADDRESS.forgotten_after)
    with database.transaction() as connection:
        forgotten = throttles.purge_forgotten(connection, before=before, limit=_LARGE_BATCH)
        return forgotten + throttles.purge_surplus(connection, most=most_rows, limit=_LARGE_BATCH)


def expire_delegations(database: Database, clock: Clock) -> int:
    """Write down which delegations are over since midnight; how many, at most a batch."""
    with database.transaction() as connection:
        return delegations.expire(connection, local_day(clock.now()), limit=_BATCH)
