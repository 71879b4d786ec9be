"""Idempotency keys against a real PostgreSQL: one effect, one answer, and no trace of what failed."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

from services.chassis.database import Database, DatabaseLost
from services.chassis.idempotency import (
    Idempotency,
    IdempotencyInFlight,
    IdempotencyKeyReused,
    key_taken,
)
from services.chassis.messaging.tables import messaging_tables
from services.chassis.refusal import InvalidField, Kind, NotFound, Refusal
from services.chassis.statements import Statement
from tests.support.polling import PATIENCE_SECONDS
from tests.support.postgres import Postgres

METADATA = sa.MetaData()
TABLE = messaging_tables(METADATA).idempotency
EFFECTS = sa.Table(
    "effects",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("note", sa.Text),
)

AT_ONCE = 20


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    url = postgres.create_database("idempotency")
    made = Database(url, pool_size=AT_ONCE)
    METADATA.create_all(made.engine, tables=[TABLE, EFFECTS])
    yield made
    made.dispose()
    postgres.drop_database(url)


@pytest.fixture
def idempotency() -> Idempotency:
    return Idempotency(TABLE)


def count(database: Database, table: sa.Table) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def take_effect(connection: sa.Connection) -> bytes:
    number = connection.execute(sa.insert(EFFECTS).returning(EFFECTS.c.id)).scalar_one()
    return f"effect {number}".encode()


def book(
    database: Database,
    idempotency: Idempotency,
    *,
    key: str | None = "key-1",
    actor: str = "anna",
    operation: str = "book",
    request: bytes = b"slot 7",
    effect: Callable[[sa.Connection], bytes] = take_effect,
) -> bytes:
    with database.transaction() as connection:
        return idempotency.run(
            connection,
            actor=actor,
            key=key,
            operation=operation,
            request=request,
            effect=lambda: effect(connection),
        )


def together(work: Callable[[], bytes]) -> list[bytes | Refusal]:
    """What AT_ONCE threads, released together, got."""
    barrier = threading.Barrier(AT_ONCE)

    def one(_: int) -> bytes | Refusal:
        barrier.wait(PATIENCE_SECONDS)
        try:
            return work()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(AT_ONCE)))


def test_without_a_key_everybody_takes_effect(database: Database, idempotency: Idempotency) -> None:
    answers = together(lambda: book(database, idempotency, key=None))
    assert len(set(answers)) == AT_ONCE
    assert count(database, EFFECTS) == AT_ONCE


def test_with_one_key_one_takes_effect_and_all_get_its_answer(
    database: Database, idempotency: Idempotency
) -> None:
    answers = together(lambda: book(database, idempotency))
    assert set(answers) == {answers[0]}
    assert isinstance(answers[0], bytes)
    assert count(database, EFFECTS) == 1
    assert book(database, idempotency) == answers[0]  # and later still


@pytest.mark.parametrize("answer", [b"", b"\x00\xff", b"x" * 100_000])
def test_the_answer_is_kept_byte_for_byte(
    database: Database, idempotency: Idempotency, answer: bytes
) -> None:
    assert book(database, idempotency, effect=lambda _: answer) == answer
    assert book(database, idempotency) == answer


@pytest.mark.parametrize("other", [{"request": b"slot 8"}, {"operation": "cancel"}])
def test_the_same_key_for_something_else_is_refused(
    database: Database, idempotency: Idempotency, other: dict[str, str]
) -> None:
    book(database, idempotency)
    with pytest.raises(IdempotencyKeyReused) as refused:
        book(database, idempotency, **other)  # type: ignore[arg-type]
    assert refused.value.kind is Kind.INVALID
    assert count(database, EFFECTS) == 1


def test_operation_and_request_cannot_be_shifted_into_each_other(
    database: Database, idempotency: Idempotency
) -> None:
    book(database, idempotency, operation="book", request=b"ing")
    with pytest.raises(IdempotencyKeyReused):
        book(database, idempotency, operation="booki", request=b"ng")


def test_keys_belong_to_their_actor(database: Database, idempotency: Idempotency) -> None:
    assert book(database, idempotency, actor="anna") != book(database, idempotency, actor="bruno")


def test_a_refusal_is_not_stored(database: Database, idempotency: Idempotency) -> None:
    def refuse(connection: sa.Connection) -> bytes:
        take_effect(connection)
        raise NotFound(what="slot")

    with pytest.raises(NotFound):
        book(database, idempotency, effect=refuse)
    assert count(database, TABLE) == 0
    assert count(database, EFFECTS) == 0
    assert book(database, idempotency)


def test_when_the_first_fails_one_of_those_who_waited_takes_effect(
    database: Database, idempotency: Idempotency
) -> None:
    failures = iter([True])

    def fail_first(connection: sa.Connection) -> bytes:
        if next(failures, False):
            raise NotFound(what="slot")
        return take_effect(connection)

    answers = together(lambda: book(database, idempotency, effect=fail_first))
    assert sum(isinstance(answer, NotFound) for answer in answers) == 1
    assert len({answer for answer in answers if isinstance(answer, bytes)}) == 1
    assert count(database, EFFECTS) == 1


def test_a_crash_in_between_leaves_no_trace(
    database: Database, idempotency: Idempotency, postgres: Postgres
) -> None:
    def crash(connection: sa.Connection) -> bytes:
        answer = take_effect(connection)
        backend = connection.execute(sa.select(sa.func.pg_backend_pid())).scalar_one()
        with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        return answer

    with pytest.raises(DatabaseLost):
        book(database, idempotency, effect=crash)
    assert count(database, TABLE) == 0
    assert count(database, EFFECTS) == 0
    assert book(database, idempotency)


def test_behind_a_long_running_one_the_answer_is_to_come_back(
    database: Database, idempotency: Idempotency
) -> None:
    impatient = Database(database.url, lock_timeout_ms=100)
    holding, release = threading.Event(), threading.Event()

    def hold(connection: sa.Connection) -> bytes:
        holding.set()
        assert release.wait(PATIENCE_SECONDS)
        return take_effect(connection)

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(book, database, idempotency, effect=hold)
        try:
            assert holding.wait(PATIENCE_SECONDS)
            with pytest.raises(IdempotencyInFlight) as refused:
                book(impatient, idempotency)
            assert refused.value.kind is Kind.IN_FLIGHT
            assert refused.value.retry_after_seconds == 1
            assert book(impatient, idempotency, key="key-2")  # others are not held up
        finally:
            release.set()
        assert book(impatient, idempotency) == first.result()
    impatient.dispose()


def test_a_lock_time_out_inside_the_effect_is_not_mistaken_for_it(
    database: Database, idempotency: Idempotency
) -> None:
    impatient = Database(database.url, lock_timeout_ms=100)
    with database.transaction() as other:
        other.execute(sa.text("LOCK TABLE effects"))
        with pytest.raises(Refusal) as refused:
            book(impatient, idempotency)
    assert refused.value.type == "unavailable"
    impatient.dispose()


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "città", "x" * 256, "\x7f"])
def test_a_malformed_key_is_refused_before_anything_happens(
    database: Database, idempotency: Idempotency, key: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        book(database, idempotency, key=key)
    assert refused.value.field == "idempotency_key"
    assert count(database, EFFECTS) == 0


def test_the_longest_key_is_good(database: Database, idempotency: Idempotency) -> None:
    assert book(database, idempotency, key="~" * 255)


def book_in_one_statement(database: Database, idempotency: Idempotency, request: bytes = b"slot 7") -> bytes:
    """The way of a hot path: key and effect in one statement; the effect happens only if the key was free."""
    answer = str(threading.get_ident()).encode()
    request_of = {"actor": "anna", "key": "key-1", "operation": "book", "request": request}
    values = idempotency.row_values(**request_of, response=answer)  # type: ignore[arg-type]
    claim = sa.insert(TABLE).values(values).returning(TABLE.c.key).cte("claim")
    effect = sa.insert(EFFECTS).from_select(["note"], sa.select(claim.c.key)).returning(EFFECTS.c.id)
    try:
        with database.statement() as place:
            Statement(effect).all(place)
    except IntegrityError as error:
        if not key_taken(error):
            raise
        with database.read() as connection:
            stored = idempotency.find(connection, **request_of)  # type: ignore[arg-type]
        assert stored is not None
        return stored
    return answer


def test_another_broken_constraint_is_not_a_taken_key(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(sa.text("CREATE UNIQUE INDEX ON effects (note)"))
    once = Statement(sa.insert(EFFECTS).values(note="once"))
    with database.statement() as place:
        once.run(place)
    with pytest.raises(IntegrityError) as failed, database.statement() as place:
        once.run(place)
    assert isinstance(failed.value.orig, UniqueViolation)
    assert not key_taken(failed.value)


def test_key_and_effect_in_one_statement(database: Database, idempotency: Idempotency) -> None:
    answers = together(lambda: book_in_one_statement(database, idempotency))
    assert set(answers) == {answers[0]}
    assert count(database, EFFECTS) == 1
    with pytest.raises(IdempotencyKeyReused):
        book_in_one_statement(database, idempotency, b"slot 8")
