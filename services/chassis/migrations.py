"""Bringing a service's database up to date.

Each script has a phase. One that expands (the default) runs while the previous version of the service works
on the same database, and must suit both. One that takes away what that version needs says `phase =
"contract"`, and runs when nothing of that version is left; in a release, these come last. A migration that
waits for a lock makes everybody behind it wait too; therefore it gives up soon, and may be run again. One
that needs longer says so: `op.execute("SET LOCAL lock_timeout …")`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from psycopg.errors import LockNotAvailable, QueryCanceled

from services.chassis import locks
from services.chassis.errors import CannotRunError
from services.chassis.logs import get_logger

LOCK_TIMEOUT_MS: Final = 2_000
"""Less than the 3 s that processes wait for a lock: those behind a migration that waits still get theirs."""
STATEMENT_TIMEOUT_MS: Final = 5_000
BOOKKEEPING: Final = frozenset({"alembic_version", "applied_migration"})
"""Tables of the migrations' own, in every service's database."""
_WAIT_FOR_OTHER_SECONDS: Final = 120.0

_log = get_logger(__name__)
_applied = sa.table("applied_migration", sa.column("revision"), sa.column("phase"))
_CREATE_APPLIED: Final = """
    CREATE TABLE IF NOT EXISTS applied_migration (
        revision text PRIMARY KEY,
        phase text NOT NULL CHECK (phase IN ('expand', 'contract')),
        at timestamptz NOT NULL DEFAULT now()
    )
"""


class Phase(StrEnum):
    """What a migration does to the version before the one that brings it."""

    EXPAND = "expand"
    """That version works on as before."""
    CONTRACT = "contract"
    """It works no longer."""


class EncodingError(CannotRunError):
    """The database does not keep its text in UTF-8: names with accents would be lost or refused."""


class MigrationBusyError(CannotRunError):
    """Another process kept migrating the same database for too long, or a migration did not get a lock or did
    not end in its time.
    """


class NewerDatabaseError(CannotRunError):
    """The database has migrations that this version does not know, and that it cannot work with."""


class MigrationOrderError(CannotRunError):
    """A migration that expands comes after one that contracts: more than one release at once."""


class Agreement(StrEnum):
    """How a database stands to the code that looks at it."""

    SAME = "same"
    BEHIND = "behind"
    """It lacks migrations: `migrate` was not run."""
    AHEAD = "ahead"
    """A newer version has migrated it."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The newest migration of a database, None before the first one, and that of the code."""

    database: str | None
    code: str
    agreement: Agreement


def versions(connection: sa.Connection, package: str) -> Versions:
    """What the database has of the migrations in `package`; nothing is changed."""
    scripts = ScriptDirectory.from_config(configuration(package))
    newest = str(scripts.get_current_head())
    has = _revision_of(connection)
    if has == newest:
        agreement = Agreement.SAME
    elif has is None or has in {script.revision for script in scripts.walk_revisions()}:
        agreement = Agreement.BEHIND
    else:
        agreement = Agreement.AHEAD
    return Versions(has, newest, agreement)


def migrate(url: str, package: str, up_to: Phase = Phase.CONTRACT) -> None:
    """Apply every migration in `package`'s `versions` that the database at `url` does not have.

    Up to Phase.EXPAND: only those before the first that contracts. Each runs in a transaction of its own. Two
    processes that migrate one database take turns. A database that a newer version has expanded, and no more,
    is left as it is.

    Raises before anything is changed:
        EncodingError: the database is not in UTF-8.
        NewerDatabaseError: a newer version has contracted it.
        MigrationOrderError: up to Phase.EXPAND, and expanding needs a contraction first.
    And MigrationBusyError when a migration gave up; those before it are applied, it may be run again.
    """
    engine = sa.create_engine(
        url,
        poolclass=sa.NullPool,
        connect_args={
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS}",
            "application_name": "migrate",
            "connect_timeout": 5,
            "client_encoding": "UTF8",
        },
    )
    config = configuration(package)
    turns = engine.execution_options(isolation_level="AUTOCOMMIT")
    with turns.connect() as turn, engine.connect() as connection:
        _require_utf8(turn)
        _wait_for_turn(turn)
        scripts = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
        current = _revision_of(turn)
        if current is not None and current not in {script.revision for script in scripts}:
            _require_only_expanded(turn, current, scripts)
            _log.info("database is newer than this version, which works with it all the same", head=current)
            return
        pending = scripts if current is None else _after(current, scripts)
        chosen = _expanding(pending) if up_to is Phase.EXPAND else pending
        if chosen:
            turn.exec_driver_sql(_CREATE_APPLIED)
            config.attributes["connection"] = connection
            config.attributes["on_version_apply"] = _remember
            _upgrade(config, chosen[-1].revision)
        _log.info(
            "database is up to date" if chosen == pending else "database is expanded",
            head=chosen[-1].revision if chosen else current,
            applied=[script.revision for script in chosen],
            left=[script.revision for script in pending[len(chosen) :]],
        )


def phase_of(script: Script) -> Phase:
    """ValueError if the script calls its phase something else."""
    return Phase(getattr(script.module, "phase", Phase.EXPAND))


def configuration(package: str) -> Config:
    """Alembic's configuration for the migrations in `package`; for tools that look at the scripts only."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package} with migrations")
    config = Config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", str(Path(__file__).with_name("migration_environment")))
    config.set_main_option("version_locations", str(Path(spec.submodule_search_locations[0]) / "versions"))
    return config


def _revision_of(connection: sa.Connection) -> str | None:
    """The last migration that the database has; None before the first."""
    if connection.scalar(sa.select(sa.func.to_regclass("alembic_version"))) is None:
        return None
    revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return revision


def _after(revision: str, scripts: Sequence[Script]) -> list[Script]:
    return list(dropwhile(lambda script: script.revision != revision, scripts))[1:]


def _expanding(pending: Sequence[Script]) -> list[Script]:
    """Those that come before the first that contracts."""
    chosen = list(takewhile(lambda script: phase_of(script) is Phase.EXPAND, pending))
    left = pending[len(chosen) :]
    for script in left:
        if phase_of(script) is Phase.EXPAND:
            raise MigrationOrderError(
                f"migration {script.revision} expands, but comes after {left[0].revision}, which contracts: "
                "bring the installation to the release in between first"
            )
    return chosen


def _require_only_expanded(connection: sa.Connection, current: str, scripts: Sequence[Script]) -> None:
    known = [script.revision for script in scripts]
    exists = connection.scalar(sa.select(sa.func.to_regclass(_applied.name))) is not None
    rows = connection.execute(sa.select(_applied).where(_applied.c.revision.not_in(known))) if exists else ()
    phases = {row.revision: Phase(row.phase) for row in rows}
    if current not in phases or Phase.CONTRACT in phases.values():
        raise NewerDatabaseError(
            f"the database is at migration {current}, and this version knows them up to {known[-1]} only; "
            "what it needs may be gone: run the newer version, or restore a backup that was made before it"
        )


def _upgrade(config: Config, revision: str) -> None:
    try:
        command.upgrade(config, revision)
    except sa.exc.OperationalError as error:
        if isinstance(error.orig, LockNotAvailable | QueryCanceled):
            raise MigrationBusyError(f"a migration gave up: {error.orig}; run it again") from error
        raise


def _remember(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:  # noqa: ANN401, ARG001  # Alembic's call
    """Note the migration in its own transaction, for older versions that do not know it."""
    script: Script = step.up_revision
    ctx.connection.execute(sa.insert(_applied).values(revision=script.revision, phase=phase_of(script).value))


def _require_utf8(connection: sa.Connection) -> None:
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise EncodingError(
            f"the database's encoding is {encoding}; create it with ENCODING 'UTF8' TEMPLATE template0"
        )


def _wait_for_turn(connection: sa.Connection) -> None:
    deadline = time.monotonic() + _WAIT_FOR_OTHER_SECONDS
    while not locks.try_lock(connection, locks.MIGRATION):
        if time.monotonic() > deadline:
            raise MigrationBusyError(f"another process migrates since {_WAIT_FOR_OTHER_SECONDS:.0f} s")
        time.sleep(0.2)
