"""When a primary acknowledges a commit: when it alone has it, or when its standby has it too."""

from __future__ import annotations

import time
from typing import Final

import psycopg

BOTH: Final = 'ANY 1 (postgres, "postgres-replica")'
"""synchronous_standby_names of either server: whichever is the standby."""
_FOLLOWING_WITHIN_SECONDS: Final = 60.0


class NobodyFollows(Exception):
    """The primary has no standby that has what it has."""


def acknowledge_on_both(primary_url: str) -> None:
    """From now on nothing is acknowledged but what the standby has on its disk as well.

    Waits for the standby. Raises NobodyFollows, and changes nothing, if none follows.
    """
    with psycopg.connect(primary_url, autocommit=True) as connection:
        deadline = time.monotonic() + _FOLLOWING_WITHIN_SECONDS
        while not _followed(connection):
            if time.monotonic() > deadline:
                raise NobodyFollows(
                    "no standby follows the primary: what it acknowledges is on one disk only"
                )
            time.sleep(0.5)
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{BOTH}'".encode())
        connection.execute("SELECT pg_reload_conf()")


def _followed(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    streaming = (
        "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND application_name LIKE 'postgres%'"
    )
    return connection.execute(streaming).fetchone() is not None
