"""What the failures of a database mean to those who use it."""

import psycopg.errors
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from services.chassis import locks
from services.chassis.database import Database, DatabaseLost
from services.chassis.refusal import Unavailable
from services.chassis.statements import Statement
from tests.support.postgres import Postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.create_database("database")


def write(database: Database, statement: str, then: Exception | None = None) -> None:
    with database.transaction() as connection:
        connection.execute(sa.text(statement))
        if then is not None:
            raise then


def write_while_reading(database: Database) -> None:
    with database.read() as connection:
        connection.execute(sa.text("INSERT INTO t VALUES (1)"))


def cut_off_in_the_middle(database: Database) -> None:
    with database.transaction() as connection:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        with database.session() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        connection.execute(sa.text("SELECT 1"))


def test_a_transaction_is_all_or_nothing(url: str) -> None:
    database = Database(url)
    write(database, "CREATE TABLE t (n int PRIMARY KEY)")
    with pytest.raises(ZeroDivisionError):
        write(database, "INSERT INTO t VALUES (1)", then=ZeroDivisionError())
    with database.read() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM t")) == 0
    with pytest.raises(exc.InternalError, match="read-only"):
        write_while_reading(database)
    with pytest.raises(exc.IntegrityError):
        write(database, "INSERT INTO t VALUES (1), (1)")
    database.dispose()


def test_what_takes_too_long_is_unavailable(url: str) -> None:
    database = Database(url, statement_timeout_ms=200, lock_timeout_ms=50)
    with pytest.raises(Unavailable) as slow:
        write(database, "SELECT pg_sleep(10)")
    space, number = locks.key("x")
    with database.session() as holder:
        assert locks.try_lock(holder, "x")
        with pytest.raises(Unavailable) as locked:
            write(database, f"SELECT pg_advisory_lock({space}, {number})")
    for refused in (slow.value, locked.value):
        assert not isinstance(refused, DatabaseLost)
        assert refused.retry_after_seconds == 1
    database.dispose()


@pytest.mark.parametrize("use", ["transaction", "statement", "read", "session"])
def test_an_exhausted_pool_and_a_dead_server_are_lost(url: str, use: str) -> None:
    database = Database(url, pool_size=1, pool_timeout_seconds=0.05)
    with database.transaction(), pytest.raises(DatabaseLost), getattr(database, use)():
        pass
    database.dispose()
    dead = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseLost), getattr(dead, use)():
        pass


def test_a_connection_cut_in_the_middle_is_lost_and_the_next_one_works(url: str) -> None:
    database = Database(url)
    with pytest.raises(DatabaseLost):
        cut_off_in_the_middle(database)
    database.ping()
    database.dispose()


def test_a_standby_is_no_database_to_write_to_and_is_left_for_the_primary(
    postgres: Postgres, url: str
) -> None:
    """A failover leaves connections to what is a standby now; nobody should need a restart to get away."""
    name = url.rsplit("/", 1)[1]
    there = sa.table("there", sa.column("n", sa.Integer))
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as primary:
        primary.execute("CREATE TABLE there (n int)")
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        database = Database(url, pool_size=1)
        with pytest.raises(DatabaseLost):
            write(database, "CREATE TABLE t (n int PRIMARY KEY)")
        with pytest.raises(DatabaseLost), database.session() as session:
            session.execute(sa.text("CREATE TABLE t (n int PRIMARY KEY)"))
        with pytest.raises(DatabaseLost), database.statement() as place:
            Statement(sa.insert(there).values(n=1)).run(place)
        admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    write(database, "CREATE TABLE t (n int PRIMARY KEY)")
    database.dispose()


def test_a_session_closes_with_its_locks(url: str) -> None:
    database = Database(url, pool_size=2)
    with database.session() as first, database.session() as second:
        assert locks.try_lock(first, "x")
        assert not locks.try_lock(second, "x")
        with locks.lock_or_skip(second, "x") as held:
            assert not held
    with database.session() as third, locks.lock_or_skip(third, "x") as held:
        assert held
    with pytest.raises(DatabaseLost), database.session():
        raise psycopg.errors.AdminShutdown
    database.dispose()
