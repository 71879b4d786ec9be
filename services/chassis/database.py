"""One service's PostgreSQL database: pooled connections, transactions, and what its failures mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import PoolProxiedConnection

from services.chassis.database_use import DatabaseLost, Use
from services.chassis.refusal import Unavailable
from services.chassis.settings import ServiceSettings
from services.chassis.statements import as_sqlalchemy_error

__all__ = ["Database", "DatabaseLost"]

_CONTENTION: Final = frozenset({
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "55P03",  # lock_not_available: lock_timeout
    "57014",  # query_canceled: statement_timeout
})  # fmt: skip
_READ_ONLY: Final = "25006"
"""SQLSTATE of a server that takes no writes: a standby, to which a failover has left us connected."""
_LOST_CLASSES: Final = frozenset({"08", "53", "57"})
"""SQLSTATE classes: connection exception, insufficient resources, operator intervention (shut down, starting
up)."""


class Database:
    """A pool of connections to one database, with bounds on everything that could wait for ever.

    A statement that exceeds `statement_timeout_ms`, a lock not granted within `lock_timeout_ms`, a deadlock
    and a serialization failure raise `Unavailable`; a lost or refused connection, a server that takes no
    writes and an exhausted pool raise `DatabaseLost`. Both say when to try again. Everything else passes
    through as SQLAlchemy raised it.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        pool_timeout_seconds: float = 2.0,
        statement_timeout_ms: int = 5_000,
        lock_timeout_ms: int = 3_000,
        connect_timeout_seconds: int = 3,
        application_name: str = "ambito",
    ) -> None:
        options = (
            f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={lock_timeout_ms}"
            f" -c idle_in_transaction_session_timeout={statement_timeout_ms * 3} -c timezone=UTC"
        )
        self.url = url
        self.engine = sa.create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout_seconds,
            pool_recycle=1_800,
            pool_use_lifo=True,
            isolation_level="READ COMMITTED",
            hide_parameters=True,  # an error's text reaches the log, and parameters hold the data of persons
            connect_args={
                "options": options,
                "connect_timeout": connect_timeout_seconds,
                "client_encoding": "UTF8",
                "application_name": application_name,
                "keepalives_idle": 30,
                "tcp_user_timeout": 15_000,
            },
        )
        name = self.engine.url.database
        self._transaction, self._statement, self._read = (
            Use(use, name) for use in ("transaction", "statement", "read")
        )

    @classmethod
    def from_settings(
        cls, settings: ServiceSettings, application_name: str, *, at_least: int = 0
    ) -> "Database":
        """The database of a service, with the bounds its settings give; `application_name` as PostgreSQL
        shows it.
        """
        return cls(
            settings.database_url,
            pool_size=max(at_least, settings.database_pool_size),
            statement_timeout_ms=settings.statement_timeout_ms,
            lock_timeout_ms=settings.lock_timeout_ms,
            application_name=application_name,
        )

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A READ COMMITTED transaction: committed when the block ends, rolled back when it raises."""
        with self._transaction.measured(), _translated(writing=True), self.engine.begin() as connection:
            try:
                yield connection
            except exc.DBAPIError as error:
                _leave_standby(connection, error)
                raise

    @contextmanager
    def statement(self) -> Iterator[PoolProxiedConnection]:
        """Where each Statement is a transaction of its own: for one that does all or nothing.

        One round trip instead of three (BEGIN, the statement, COMMIT), which is half of what a short
        statement costs. Nothing can be rolled back: what must not stay must fail, in the database.
        """
        with self._statement.measured(), _translated(writing=True):
            # Not one of SQLAlchemy's own connections: making and closing one costs more than the statement.
            try:
                pooled = self.engine.raw_connection()
            except psycopg.Error as error:
                raise as_sqlalchemy_error(error, None) from error
            driver = cast("psycopg.Connection[Any]", pooled.driver_connection)
            try:
                driver.autocommit = True
                yield pooled
                driver.autocommit = False
            except exc.DBAPIError as error:
                if error.connection_invalidated:
                    # As SQLAlchemy does: then the others of the pool may be lost, too.
                    self.engine.pool._invalidate(pooled, error)  # noqa: SLF001
                elif _state(error) == _READ_ONLY:
                    pooled.invalidate()  # the next one may find the primary
                else:
                    driver.autocommit = False
                raise
            except BaseException:
                pooled.invalidate()  # in what state it is, nobody knows
                raise
            finally:
                pooled.close()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A read-only transaction; writing in it is an error of the database."""
        with self._read.measured(), _translated(), self.engine.connect() as connection:
            yield connection.execution_options(postgresql_readonly=True)

    @contextmanager
    def session(self) -> Iterator[sa.Connection]:
        """A connection that commits each statement by itself, for session locks and LISTEN; closed
        afterwards.
        """
        with _translated(writing=True), self.engine.connect() as connection:
            session = connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                yield session
            except (
                psycopg.OperationalError
            ) as error:  # from the driver itself, e.g. while it waits to be notified
                raise DatabaseLost(retry_after_seconds=2) from error
            finally:
                session.invalidate()

    def ping(self) -> None:
        """Return if the database answers, else raise `Unavailable`."""
        with self.read() as connection:
            connection.execute(sa.text("SELECT 1"))

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


@contextmanager
def _translated(*, writing: bool = False) -> Iterator[None]:
    try:
        yield
    except exc.TimeoutError as error:
        raise DatabaseLost(retry_after_seconds=1) from error
    except exc.DBAPIError as error:
        state = _state(error)
        if state in _CONTENTION:
            raise Unavailable(retry_after_seconds=1) from error
        lost = error.connection_invalidated or (state or "")[:2] in _LOST_CLASSES
        if lost or (writing and state == _READ_ONLY):
            raise DatabaseLost(retry_after_seconds=2) from error
        if isinstance(error, exc.OperationalError) and state is None:  # could not connect
            raise DatabaseLost(retry_after_seconds=2) from error
        raise


def _leave_standby(connection: sa.Connection, error: exc.DBAPIError) -> None:
    if _state(error) == _READ_ONLY:
        connection.invalidate()  # the next one may find the primary


def _state(error: exc.DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state
