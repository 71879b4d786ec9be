"""Events that wait at the same time share a transaction, and none of them pays for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from services.chassis.messaging.event import Event
from services.chassis.messaging.processing import Outcome, Processor, Verdict
from services.chassis.messaging.received import PermanentFailure, Received
from tests.chassis.integration.conftest import Probe
from tests.chassis.integration.test_processing import effect, processor, run
from tests.chassis.probe.events import event
from tests.support.polling import PATIENCE_SECONDS, eventually


@pytest.fixture
def database_probe(bare_probe: Probe) -> Probe:
    return bare_probe


class Gate:
    """A handler that keeps the first event waiting until it may go on; notes each event's transaction."""

    def __init__(self, then: Callable[[sa.Connection, Received], None] = effect) -> None:
        self.may_go_on = threading.Event()
        self.entered = threading.Event()
        self.transactions: dict[str, set[str]] = {}
        self.order: list[tuple[str, int]] = []
        self._then = then

    def __call__(self, connection: sa.Connection, message: Received) -> None:
        self.entered.set()
        assert self.may_go_on.wait(PATIENCE_SECONDS)
        self.order.append((message.subject, message.sequence))
        number = connection.scalar(sa.text("SELECT pg_current_xact_id()::text"))
        self.transactions.setdefault(str(message.id), set()).add(str(number))
        self._then(connection, message)


def verdicts(
    probe: Probe, running: Processor, gate: Gate, first: Event, others: list[Event]
) -> list[Verdict]:
    """All others come while the first is being handled."""
    with ThreadPoolExecutor(len(others) + 1) as pool:
        futures = [pool.submit(run, probe, running, first)]
        assert gate.entered.wait(PATIENCE_SECONDS)
        futures += [pool.submit(run, probe, running, other) for other in others]
        eventually(lambda: len(running._handle_together._waiting) == len(others))
        gate.may_go_on.set()
        return [future.result(30) for future in futures]


def transaction_of(gate: Gate, happened: Event) -> str:
    (number,) = gate.transactions[str(happened.id)]
    return number


def test_those_that_wait_share_a_transaction_by_subject_and_sequence(database_probe: Probe) -> None:
    gate = Gate()
    running = processor(database_probe, gate, together=True)
    first = event(subject="first")
    others = [event(subject=name, sequence=number) for name in ("b", "a") for number in (2, 1)]
    assert verdicts(database_probe, running, gate, first, others) == [Verdict(Outcome.DONE)] * 5
    assert len({transaction_of(gate, other) for other in others}) == 1
    assert transaction_of(gate, first) != transaction_of(gate, others[0])
    assert gate.order == [("first", 1), ("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert [database_probe.effects(happened) for happened in (first, *others)] == [1] * 5


def test_if_one_handler_does_not_allow_it_each_event_has_its_own(database_probe: Probe) -> None:
    gate = Gate()
    gate.may_go_on.set()
    running = processor(database_probe, gate)
    happened = [event() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda each: run(database_probe, running, each), happened))
    assert told == [Verdict(Outcome.DONE)] * 8
    assert len({transaction_of(gate, each) for each in happened}) == 8


def test_one_that_can_never_be_handled_takes_nobody_with_it(database_probe: Probe) -> None:
    poison = event()

    def follow(connection: sa.Connection, message: Received) -> None:
        effect(connection, message)
        if message.id == poison.id:
            raise PermanentFailure("never")

    gate = Gate(follow)
    running = processor(database_probe, gate, together=True)
    others = [event(), poison, event()]
    first = event()
    told = verdicts(database_probe, running, gate, first, others)
    done, dead = Verdict(Outcome.DONE), Verdict(Outcome.DEAD, "never", "probe.0")
    assert told == [done, done, dead, done]
    assert [database_probe.effects(each) for each in (first, *others)] == [1, 1, 0, 1]


def test_the_same_event_twice_among_those_that_wait_has_one_effect(database_probe: Probe) -> None:
    gate = Gate()
    running = processor(database_probe, gate, together=True)
    twice, earlier = event(), event()
    told = verdicts(database_probe, running, gate, earlier, [twice, event(), twice, earlier])
    assert told == [Verdict(Outcome.DONE)] * 5
    assert [database_probe.effects(each) for each in (earlier, twice)] == [1, 1]


def test_a_database_that_is_away_gives_all_of_them_back(database_probe: Probe) -> None:
    stopping = threading.Event()
    gate = Gate()
    running = processor(database_probe, gate, stopping=stopping, together=True)

    def go_away(connection: sa.Connection, _message: Received) -> None:
        stopping.set()
        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    gate._then = go_away
    others = [event(), event()]
    told = verdicts(database_probe, running, gate, event(), others)
    assert [verdict.outcome for verdict in told] == [Outcome.RETURN] * 3
    assert [database_probe.effects(each) for each in others] == [0, 0]
