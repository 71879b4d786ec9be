"""A world of its own for every test, in one database that is emptied in between."""

from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg
import pytest

from services.chassis.database import Database
from tests.support.postgres import Postgres
from tests.vouchers.world import World

Tamper = Callable[..., int]
_EMPTY = """
DO $$
DECLARE
    name text;
BEGIN
    -- The triggers that keep ledger and vouchers from being emptied do not fire for a replica.
    SET LOCAL session_replication_role = replica;
    FOR name IN
        SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'applied_migration')
    LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$
"""


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> Iterator[Database]:
    """A migrated database, with as many connections as the races need."""
    url = postgres.service_database("vouchers")
    # Patient, because a test machine may be busy: what is tested is who wins, not how fast.
    database = Database(
        url, pool_size=24, pool_timeout_seconds=60, lock_timeout_ms=60_000, statement_timeout_ms=60_000
    )
    yield database
    database.dispose()
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def superuser(postgres: Postgres, migrated: Database) -> Iterator[psycopg.Connection]:
    """A superuser's connection to that database, each statement a transaction."""
    name = migrated.url.rsplit("/", 1)[1]
    url = f"{postgres.admin_url.rsplit('/', 1)[0]}/{name}"
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def database(migrated: Database, superuser: psycopg.Connection) -> Database:
    """The database, empty."""
    superuser.execute(_EMPTY)
    return migrated


@pytest.fixture
def world(database: Database) -> World:
    """A small territory: two comuni with budgets, four measures, three cooperatives, two services."""
    made = World(database)
    made.settle()
    return made


@pytest.fixture
def tamper(superuser: psycopg.Connection) -> Tamper:
    """Runs a statement as superuser, the triggers switched off; returns how many rows it reached."""

    def run(statement: LiteralString, *parameters: object) -> int:
        with superuser.transaction():
            superuser.execute("SET LOCAL session_replication_role = replica")
            return superuser.execute(statement, parameters).rowcount

    return run
