from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.identity.world import World, make_world
from tests.support.postgres import Postgres

_EMPTY = """
DO $$ BEGIN EXECUTE (
    SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ')
    FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'applied_migration')
); END $$
"""


@pytest.fixture(scope="session")
def identity_database(postgres: Postgres) -> str:
    """One database for all tests that do not change its schema; quicker than one for each."""
    return postgres.service_database("identity")


@pytest.fixture
def world(identity_database: str) -> Iterator[World]:
    """An ambito in which nobody is registered yet."""
    with psycopg.connect(identity_database.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(_EMPTY)
    made = make_world(identity_database)
    yield made
    made.database.dispose()


@pytest.fixture
def own_world(service_database: Callable[[str], str]) -> Iterator[World]:
    """As `world`, on a database of the test's own, to change as it likes."""
    made = make_world(service_database("identity"))
    yield made
    made.database.dispose()
