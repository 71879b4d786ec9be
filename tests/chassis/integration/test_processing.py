"""One effect per event and consumer, whatever the handler does; on a real database, without a broker."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from services.chassis.messaging.envelope import to_message
from services.chassis.messaging.event import Event
from services.chassis.messaging.processing import Outcome, Processor, Verdict
from services.chassis.messaging.received import PermanentFailure, Received, Subscription, one_by_one
from services.chassis.refusal import Kind, Refusal, Unavailable
from tests.chassis.integration.conftest import TABLES, Probe
from tests.chassis.probe.events import DONE, DOOMED, event


class TooLate(Refusal):
    kind = Kind.CONFLICT
    type = "too-late"
    it = "Troppo tardi."
    en = "Too late."


class TooMany(Refusal):
    kind = Kind.THROTTLED
    type = "too-many"
    it = "Troppi."
    en = "Too many."


def effect(connection: sa.Connection, message: Received) -> None:
    row = sa.text("INSERT INTO effect (event_id, worker) VALUES (:id, 'x')")
    connection.execute(row, {"id": message.id})


One = Callable[[sa.Connection, Received], None]


def processor(
    probe: Probe, *handlers: One, stopping: threading.Event | None = None, together: bool = False
) -> Processor:
    return Processor(
        probe.database,
        TABLES,
        [
            Subscription(f"probe.{number}", frozenset({DONE}), one_by_one(handler), together=together)
            for number, handler in enumerate(handlers)
        ],
        at_once=100,
        database_wait_seconds=10,
        stopping=stopping or threading.Event(),
    )


def run(probe: Probe, running: Processor, happened: Event) -> Verdict:
    message = to_message(probe.outbox.values(happened), "probe")
    return running.process(
        message.headers, content_type=message.content_type, routing_key=message.routing_key, body=message.body
    )


@pytest.fixture
def database_probe(bare_probe: Probe) -> Probe:
    return bare_probe


def effects_of_two_at_once(probe: Probe, running: Processor) -> int:
    happened = event()
    with ThreadPoolExecutor() as pool:
        verdicts = list(pool.map(lambda _: run(probe, running, happened), range(2)))
    assert [verdict.outcome for verdict in verdicts] == [Outcome.DONE, Outcome.DONE]
    return probe.effects(happened)


def test_without_the_inbox_two_deliveries_at_once_have_two_effects(
    database_probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race that the next test shows to be closed."""

    def every_one(
        _self: object, _connection: object, _subscriptions: object, events: list[Received]
    ) -> object:
        return {("probe.0", event.id) for event in events}

    monkeypatch.setattr(Processor, "_remembered", every_one)
    assert effects_of_two_at_once(database_probe, processor(database_probe, effect)) == 2


def test_two_deliveries_at_once_have_one_effect(database_probe: Probe) -> None:
    assert effects_of_two_at_once(database_probe, processor(database_probe, effect)) == 1


def test_every_consumer_of_a_type_has_its_own_effect_and_only_the_failed_one_runs_again(
    database_probe: Probe,
) -> None:
    fails = [True, True]  # together with the other, and by itself

    def at_first_fails(connection: sa.Connection, message: Received) -> None:
        effect(connection, message)
        if fails and fails.pop():
            raise RuntimeError("at first")

    happened, running = event(), processor(database_probe, effect, at_first_fails)
    assert run(database_probe, running, happened) == Verdict(Outcome.AGAIN, "RuntimeError", "probe.1")
    assert database_probe.effects(happened) == 1
    assert run(database_probe, running, happened) == Verdict(Outcome.DONE)
    assert database_probe.effects(happened) == 2


def test_consumers_that_all_succeed_share_one_transaction(database_probe: Probe) -> None:
    transactions = []

    def noting(connection: sa.Connection, message: Received) -> None:
        effect(connection, message)
        transactions.append(connection.scalar(sa.text("SELECT pg_current_xact_id()::text")))

    happened = event()
    assert run(database_probe, processor(database_probe, noting, noting), happened).outcome is Outcome.DONE
    assert len(transactions) == 2
    assert len(set(transactions)) == 1
    assert database_probe.effects(happened) == 2


def raising(error: Exception) -> Callable[[sa.Connection, Received], None]:
    def handler(connection: sa.Connection, message: Received) -> None:
        effect(connection, message)
        raise error

    return handler


def breaking_a_constraint(connection: sa.Connection, message: Received) -> None:
    effect(connection, message)
    connection.execute(sa.insert(TABLES.inbox).values(consumer="probe.0", event_id=message.id))


def storing_what_no_database_holds(connection: sa.Connection, message: Received) -> None:
    effect(connection, message)
    connection.execute(sa.insert(TABLES.inbox).values(consumer="with a \0 in it", event_id=message.id))


def storing_a_number_too_large(connection: sa.Connection, message: Received) -> None:
    effect(connection, message)
    connection.execute(sa.text("SELECT CAST(:number AS bigint)"), {"number": 10**30})


@pytest.mark.parametrize(
    ("handler", "verdict"),
    [
        (raising(PermanentFailure("never")), Verdict(Outcome.DEAD, "never")),
        (raising(TooLate()), Verdict(Outcome.DEAD, "too-late: Too late.")),
        (raising(TooMany()), Verdict(Outcome.AGAIN, "too-many: Too many.")),
        (
            raising(Unavailable()),
            Verdict(Outcome.AGAIN, "unavailable: The service is not available at the moment."),
        ),
        (raising(KeyError("of a person")), Verdict(Outcome.AGAIN, "KeyError")),
        (storing_what_no_database_holds, Verdict(Outcome.DEAD, "DataError")),
        (storing_a_number_too_large, Verdict(Outcome.DEAD, "NumericValueOutOfRange")),
        (breaking_a_constraint, Verdict(Outcome.AGAIN, "UniqueViolation on inbox_pkey")),
    ],
)
def test_a_failure_leaves_nothing_behind_and_says_what_is_to_become_of_the_message(
    database_probe: Probe, handler: One, verdict: Verdict
) -> None:
    happened = event()
    told = run(database_probe, processor(database_probe, handler), happened)
    assert told == replace(verdict, consumer="probe.0")
    assert database_probe.effects(happened) == 0
    assert database_probe.rows("SELECT 1 FROM inbox") == []


def test_an_unknown_type_is_left_to_a_worker_of_another_version(database_probe: Probe) -> None:
    verdict = run(database_probe, processor(database_probe, effect), event(DOOMED))
    assert verdict == Verdict(Outcome.AGAIN, f"no handler for type {DOOMED}", tries=4)


def test_a_process_that_stops_gives_a_message_back_rather_than_wait_for_the_database(
    database_probe: Probe,
) -> None:
    stopping = threading.Event()
    stopping.set()
    gone = replace(database_probe, database_url="postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    assert run(gone, processor(gone, effect, stopping=stopping), event()).outcome is Outcome.RETURN
