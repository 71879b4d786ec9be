"""Migrations, run as the service's own command."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from services.chassis import locks, migrations
from services.chassis.messaging.tables import messaging_tables
from services.chassis.migrations import Phase
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


@dataclass(frozen=True)
class Releases:
    """A package of migrations to which releases add theirs, and the database that they bring up to date."""

    url: str
    package: str
    versions: Path

    def add(self, revision: str, statement: str, phase: str = "expand") -> None:
        before = f"{int(revision) - 1:04}" if revision != "0001" else None
        (self.versions / f"{revision}_.py").write_text(
            f"from alembic import op\nrevision, down_revision = {revision!r}, {before!r}\n"
            f"phase = {phase!r}\n\ndef upgrade():\n    op.execute({statement!r})\n"
        )

    def forget(self, revision: str) -> None:
        """As the release before it is: without this migration."""
        (self.versions / f"{revision}_.py").unlink()

    def migrate(self, up_to: Phase = Phase.CONTRACT) -> None:
        migrations.migrate(self.url, self.package, up_to)

    def run(self, statement: str) -> list[tuple[object, ...]]:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            done = connection.exec_driver_sql(statement)
            return [tuple(row) for row in done] if done.returns_rows else []

    def revision(self) -> object:
        return self.run("SELECT version_num FROM alembic_version")[0][0]


@pytest.fixture
def releases(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    """The first release: parcels with a weight in grams."""
    package = f"releases_{tmp_path.name.replace('-', '_')}"
    versions = tmp_path / package / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    made = Releases(url, package, versions)
    made.add("0001", "CREATE TABLE parcel (grams int NOT NULL)")
    made.migrate()
    return made


KILOS = """
    ALTER TABLE parcel ADD COLUMN kilos numeric;
    CREATE FUNCTION keep_kilos() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.kilos := coalesce(NEW.kilos, NEW.grams / 1000.0);
        NEW.grams := coalesce(NEW.grams, NEW.kilos * 1000);
        RETURN NEW;
    END $$;
    CREATE TRIGGER keep_kilos BEFORE INSERT ON parcel FOR EACH ROW EXECUTE FUNCTION keep_kilos();
"""
NO_GRAMS = "DROP TRIGGER keep_kilos ON parcel; ALTER TABLE parcel DROP COLUMN grams"
OLD_CODE, NEW_CODE = "INSERT INTO parcel (grams) VALUES (2000)", "INSERT INTO parcel (kilos) VALUES (3)"


def test_old_and_new_code_work_between_expanding_and_contracting(releases: Releases) -> None:
    releases.add("0002", KILOS)
    releases.add("0003", NO_GRAMS, "contract")
    releases.migrate(Phase.EXPAND)
    assert releases.revision() == "0002"
    releases.run(OLD_CODE)
    releases.run(NEW_CODE)
    releases.migrate(Phase.EXPAND)
    assert releases.revision() == "0002"
    releases.migrate()
    assert releases.revision() == "0003"
    assert releases.run("SELECT kilos::int FROM parcel ORDER BY 1") == [(2,), (3,)]
    with pytest.raises(sa.exc.ProgrammingError, match="grams"):
        releases.run(OLD_CODE)


def test_a_version_can_be_returned_to_until_the_next_has_contracted(releases: Releases) -> None:
    releases.add("0002", KILOS)
    releases.migrate(Phase.EXPAND)
    releases.forget("0002")
    releases.migrate()
    releases.migrate(Phase.EXPAND)
    assert releases.revision() == "0002"
    releases.add("0002", KILOS)
    releases.add("0003", NO_GRAMS, "contract")
    releases.migrate()
    releases.forget("0003")
    releases.forget("0002")
    for up_to in Phase:
        with pytest.raises(migrations.NewerDatabaseError, match=r"at migration 0003.*up to 0001"):
            releases.migrate(up_to)


def test_a_database_of_an_unknown_origin_is_not_touched(releases: Releases) -> None:
    releases.run("UPDATE alembic_version SET version_num = 'ffff'")
    with pytest.raises(migrations.NewerDatabaseError, match="ffff"):
        releases.migrate()


def test_two_releases_at_once_are_refused_if_the_second_needs_the_contraction_of_the_first(
    releases: Releases,
) -> None:
    releases.add("0002", KILOS)
    releases.add("0003", NO_GRAMS, "contract")
    releases.add("0004", "ALTER TABLE parcel ADD COLUMN grams int")
    with pytest.raises(migrations.MigrationOrderError, match="0004 expands, but comes after 0003"):
        releases.migrate(Phase.EXPAND)
    assert releases.revision() == "0001"


def test_a_migration_that_would_make_others_wait_gives_up_and_changes_nothing(
    releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_MS", 50)
    releases.add("0002", KILOS)
    engine = sa.create_engine(releases.url, poolclass=sa.NullPool)
    with engine.begin() as somebody:
        somebody.exec_driver_sql("LOCK TABLE parcel IN ACCESS SHARE MODE")
        with pytest.raises(migrations.MigrationBusyError, match="lock timeout"):
            releases.migrate(Phase.EXPAND)
    assert releases.revision() == "0001"
    releases.migrate(Phase.EXPAND)
    assert releases.revision() == "0002"


def test_the_command_expands_only_when_it_is_told_to(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chassis.probe", "migrate", "--phase", "expand"],
        env={"PATH": "/usr/bin:/bin", "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"database is up to date"' in done.stdout + done.stderr


@pytest.mark.parametrize("service", ["identity", "catalogue", "vouchers", "notifications"])
def test_the_services_migrations_say_their_phase_rightly(service: str) -> None:
    config = migrations.configuration(f"services.{service}.persistence.migrations")
    for script in ScriptDirectory.from_config(config).walk_revisions():
        assert migrations.phase_of(script) in Phase
