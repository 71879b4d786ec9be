"""Whether PostgreSQL answers, and what time it is there."""

from __future__ import annotations

import datetime as dt
from typing import Final

import psycopg

from deploy.containers.facts import DatabaseFacts
from deploy.containers.secrets import POSTGRES_CLUSTER, admin_url
from deploy.local.secrets import Secrets

_CONNECT_TIMEOUT_SECONDS: Final = 4


def database_facts(secrets: Secrets) -> DatabaseFacts:
    """Of the server that takes writes, where there are two. Raises psycopg.Error if nobody can connect."""
    with psycopg.connect(
        admin_url(secrets, POSTGRES_CLUSTER), connect_timeout=_CONNECT_TIMEOUT_SECONDS
    ) as connection:
        before = dt.datetime.now(dt.UTC)
        row = connection.execute("""SELECT clock_timestamp(), current_setting('server_version'),
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
                current_setting('max_connections')""").fetchone()
        after = dt.datetime.now(dt.UTC)
    assert row is not None  # noqa: S101 - a SELECT without FROM has one
    return DatabaseFacts(
        version=row[1].split()[0],
        connections=row[2],
        maximum_connections=int(row[3]),
        ahead_seconds=(row[0] - before - (after - before) / 2).total_seconds(),
    )
