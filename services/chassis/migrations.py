"""Bringing a service's database up to date.

Migrations run while the previous version of the service works on the same database, so each must suit both:
expand, move the data, contract in a later release. One that waits for a lock makes everybody behind it wait
too; therefore it gives up soon, and may be run again. A migration that needs longer says so: `op.execute("SET
LOCAL lock_timeout …")`.
"""

import time
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from services.chassis import locks
from services.chassis.errors import CannotRunError
from services.chassis.logs import get_logger

LOCK_TIMEOUT_MS: Final = 4_000
STATEMENT_TIMEOUT_MS: Final = 5_000
_WAIT_FOR_OTHER_SECONDS: Final = 120.0

_log = get_logger(__name__)


class EncodingError(CannotRunError):
    """The database does not keep its text in UTF-8: names with accents would be lost or refused."""


class MigrationBusyError(CannotRunError):
    """Another process kept migrating the same database for too long."""


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
    has = None
    if sa.inspect(connection).has_table("alembic_version"):
        has = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    if has == newest:
        agreement = Agreement.SAME
    elif has is None or has in {script.revision for script in scripts.walk_revisions()}:
        agreement = Agreement.BEHIND
    else:
        agreement = Agreement.AHEAD
    return Versions(has, newest, agreement)


def migrate(url: str, package: str) -> None:
    """Apply every migration in `package`'s `versions` that the database at `url` does not have.

    Each runs in a transaction of its own. Two processes that migrate one database take turns. EncodingError,
    before anything is changed, if the database is not in UTF-8.
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
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _log.info("database is up to date", head=ScriptDirectory.from_config(config).get_current_head())


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
