"""Migrations, run as the service's own command."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa

from services.chassis import locks, migrations
from services.chassis.messaging import messaging_tables
from tests.support.postgres import Postgres

PACKAGE = "tests.chassis.probe.persistence.migrations"


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.create_database("probe")


def test_creates_the_tables_as_they_are_defined(url: str) -> None:
    migrations.migrate(url, PACKAGE)
    metadata = sa.MetaData()
    messaging_tables(metadata)
    inspector = sa.inspect(sa.create_engine(url, poolclass=sa.NullPool))
    for table in metadata.tables.values():
        columns = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        assert {index["name"] for index in inspector.get_indexes(table.name)} >= {
            index.name for index in table.indexes
        }


def test_again_changes_nothing_and_two_at_once_take_turns(url: str) -> None:
    with ThreadPoolExecutor() as pool:
        for outcome in [pool.submit(migrations.migrate, url, PACKAGE) for _ in range(3)]:
            outcome.result()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM alembic_version")) == 1


def test_gives_up_when_another_keeps_the_turn(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "_WAIT_FOR_OTHER_SECONDS", 0.0)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert locks.try_lock(connection, locks.MIGRATION)
        with pytest.raises(migrations.MigrationBusyError):
            migrations.migrate(url, PACKAGE)


def test_the_command_says_what_is_missing_from_the_environment() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chassis.probe", "migrate"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_would_lose_accents_is_refused(postgres: Postgres) -> None:
    with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE old_fashioned ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )
    other = sa.make_url(postgres.admin_url).set(drivername="postgresql+psycopg", database="old_fashioned")
    with pytest.raises(migrations.EncodingError, match="LATIN1"):
        migrations.migrate(other.render_as_string(hide_password=False), PACKAGE)
