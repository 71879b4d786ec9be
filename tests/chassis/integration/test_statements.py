"""Statements that psycopg executes: what they yield, and that they fail as SQLAlchemy's do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, TIMESTAMP, UUID, insert

from services.chassis import locks
from services.chassis.database import Database, DatabaseLost
from services.chassis.refusal import Unavailable
from services.chassis.statements import Statement
from tests.support.postgres import Postgres

THING = sa.Table(
    "thing",
    sa.MetaData(),
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
    sa.Column("at", TIMESTAMP(timezone=True)),
    sa.Column("words", ARRAY(sa.Text)),
    sa.Column("facts", JSONB),
    sa.Column("sealed", BYTEA),
    sa.Column("open", sa.Boolean),
    sa.Column("count", sa.Integer, server_default="7"),
)
GIVEN: dict[str, Any] = {
    "id": uuid.UUID("01a22525-aac2-736b-8523-28355fc7c447"),
    "at": datetime(2026, 11, 23, 10, tzinfo=UTC),
    "words": ["a", 'with "quotes"', ""],
    "facts": {"hours": [1, None, "è"]},
    "sealed": b"\0\xff",
    "open": True,
}
ADD = Statement(
    sa.insert(THING)
    .values({name: sa.bindparam(f"new_{name}", type_=THING.c[name].type) for name in GIVEN})
    .returning(THING)
)
COUNT = Statement(sa.select(sa.func.count().label("number")).select_from(THING))


def given(**changes: Any) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in (GIVEN | changes).items()}


def add(database: Database, *ids: uuid.UUID, then: Exception | None = None) -> None:
    """In one transaction."""
    with database.transaction() as connection:
        for each in ids:
            ADD.first(connection, given(id=each))
        if then is not None:
            raise then


def interrupted(database: Database) -> None:
    with database.statement() as place:
        ADD.first(place, given(id=uuid.uuid4()))
        raise ZeroDivisionError


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    database = Database(postgres.create_database("statements"), lock_timeout_ms=50)
    with database.transaction() as connection:
        THING.create(connection)
    yield database
    database.dispose()


def count(database: Database) -> int:
    with database.read() as connection:
        return int(COUNT.all(connection)[0].number)


def test_values_of_every_type_go_and_come_as_with_sqlalchemy(database: Database) -> None:
    with database.statement() as place:
        made = ADD.first(place, given())
        assert made is not None
        assert made._asdict() == GIVEN | {"count": 7}
        with database.read() as connection:
            (read,) = connection.execute(sa.select(THING))
        assert tuple(read) == tuple(made)
        (nothing,) = ADD.all(place, given(id=uuid.uuid4(), at=None, words=None, facts=None, sealed=None))
        assert (nothing.at, nothing.words, nothing.facts, nothing.sealed) == (None, None, None, None)
        close = sa.update(THING).where(sa.bindparam("word", type_=sa.Text) == sa.any_(THING.c.words))
        assert Statement(close.values(open=False, facts={"by": "nobody"})).run(place, {"word": "a"}) == 1
        closed = Statement(sa.select(THING.c.facts).where(sa.not_(THING.c.open)))
        assert closed.all(place) == [({"by": "nobody"},)]
        assert closed.first(place) == ({"by": "nobody"},)
        assert Statement(sa.select(THING.c.id).where(sa.false())).first(place) is None


def test_each_is_a_transaction_or_part_of_one(database: Database) -> None:
    with database.statement() as place:
        ADD.first(place, given())
        assert count(database) == 1
    with pytest.raises(ZeroDivisionError):
        add(database, uuid.uuid4(), then=ZeroDivisionError())
    assert count(database) == 1
    add(database, uuid.uuid4())
    assert count(database) == 2
    with pytest.raises(exc.InternalError, match="read-only"), database.read() as connection:
        ADD.first(connection, given(id=uuid.uuid4()))
    with database.statement() as place:  # what was set for reading is not left on the connection
        ADD.first(place, given(id=uuid.uuid4()))
    assert count(database) == 3


def test_a_parameter_must_be_given_and_one_too_many_does_no_harm(database: Database) -> None:
    parameters = given()
    with database.statement() as place:
        ADD.first(place, parameters | {"other": 1})
        del parameters["new_at"]
        with pytest.raises(KeyError, match="new_at"):
            ADD.first(place, parameters)


def test_what_only_sqlalchemy_can_execute_is_refused_when_it_is_made() -> None:
    made_here = sa.Table(
        "t", sa.MetaData(), sa.Column("id", sa.Integer, default=lambda: 1), sa.Column("n", sa.Text)
    )
    for built in (
        sa.select(THING).where(THING.c.id.in_(sa.bindparam("ids", expanding=True))),
        sa.select(THING).where(THING.c.count.in_([1, 2])),
        sa.insert(made_here).values(n="x"),
    ):
        with pytest.raises(ValueError, match="only SQLAlchemy"):
            Statement(built)


def test_failures_are_those_of_sqlalchemy_and_say_nothing_of_the_parameters(database: Database) -> None:
    secret = {"name": "Giuseppina Vanoni"}
    with database.statement() as place:
        ADD.first(place, given())
        with pytest.raises(exc.IntegrityError) as taken:
            ADD.first(place, given(facts=secret))
        assert isinstance(taken.value.orig, UniqueViolation)
        assert taken.value.orig.diag.table_name == "thing"
        assert "Vanoni" not in str(taken.value)
        again = insert(THING).values(id=sa.bindparam("new_id", type_=UUID())).on_conflict_do_nothing()
        assert Statement(again).run(place, given()) == 0  # the connection is as good as before
    with pytest.raises(exc.IntegrityError):
        add(database, uuid.uuid4(), GIVEN["id"])
    assert count(database) == 1


def test_what_else_goes_wrong_leaves_no_connection_behind(database: Database) -> None:
    """More often than the pool has connections."""
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            interrupted(database)
    assert count(database) == 20


def test_a_lock_that_is_not_granted_is_unavailable(database: Database) -> None:
    move = Statement(sa.update(THING).values(open=False))
    with database.statement() as place:
        ADD.first(place, given())
    with database.transaction() as first:
        move.run(first)
        with pytest.raises(Unavailable) as refused, database.transaction() as second:
            move.run(second)
    assert not isinstance(refused.value, DatabaseLost)
    with database.session() as holder, database.session() as other:
        assert locks.lock(holder, "x")
        assert not locks.lock(other, "x")
        locks.unlock(holder, "x")
        assert locks.lock(other, "x")


@pytest.mark.parametrize("use", ["statement", "transaction", "read"])
def test_after_one_failure_no_other_connection_of_the_pool_is_used_that_may_be_lost(
    postgres: Postgres, database: Database, use: str
) -> None:
    """When the server was restarted, one request hears of it, and not one for every pooled connection."""
    with database.read() as one, database.read() as two, database.read() as three:
        for connection in (one, two, three):
            COUNT.first(connection)
    with psycopg.connect(postgres.admin_url) as admin:
        name = database.engine.url.database
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    with pytest.raises(DatabaseLost), getattr(database, use)() as place:
        COUNT.first(place)
    with database.read() as one, database.read() as two, database.read() as three:
        assert [COUNT.all(connection) for connection in (one, two, three)] == [[(0,)]] * 3
