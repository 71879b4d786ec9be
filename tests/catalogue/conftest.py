from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from services.catalogue.persistence import tables
from services.chassis.database import Database
from tests.catalogue.world import World, make_world
from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def catalogue_database(postgres: Postgres) -> Iterator[Database]:
    """One database for all tests of catalogue; emptying it is much quicker than another copy."""
    url = postgres.service_database("catalogue")
    database = Database(url, pool_size=24, pool_timeout_seconds=30, statement_timeout_ms=30_000)
    yield database
    database.dispose()
    postgres.drop_database(url)


@pytest.fixture
def empty_database(catalogue_database: Database) -> Database:
    """The database without a row in it."""
    names = ", ".join(table.name for table in tables.metadata.sorted_tables)
    with catalogue_database.transaction() as connection:
        connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
    return catalogue_database


@pytest.fixture
def world(empty_database: Database) -> World:
    return make_world(empty_database)
