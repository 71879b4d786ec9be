"""A part of a service's events gets a worker of its own and gives it up again, while events come in."""

import signal
import threading
from collections.abc import Iterator
from itertools import count, cycle
from uuid import UUID

import pytest

from services.chassis.messaging.envelope import to_message
from services.chassis.messaging.event import Event
from services.chassis.messaging.topology import Names, Topology, build
from services.chassis.partition import Partition
from tests.chassis.integration.conftest import DELAYS_MS, NAMES, OUTSIDE, Probe
from tests.chassis.probe.bootstrap import SERVICE
from tests.chassis.probe.events import DOOMED, event
from tests.support.polling import PATIENCE_SECONDS, eventually

ONE, TWO, NONE = "L319", "C273", "-"
PARTITION = Partition.of(ONE, TWO)
APART = Names("probe", PARTITION)


AHEAD = 50
"""Events of a word that may wait at once."""


class Load:
    """Publishes events of all words in turn, each confirmed, until it is ended.

    A word is left out while `AHEAD` of its events are not handled: what waits is work of a bounded time,
    however slow the machine, and one word's worker that stands still stops no other word.
    """

    def __init__(self, probe: Probe) -> None:
        self.published: list[Event] = []
        self.refused: list[str] = []
        self._ahead: dict[str, set[UUID]] = {}
        self._probe = probe
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def of(self, *words: str, since: int = 0, until: int | None = None) -> list[Event]:
        """What was published about these words after the first `since`, up to the first `until`."""
        return [each for each in self.published[since:until] if each.routing_key.split(".")[2] in words]

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        publisher = self._probe.publisher()
        words = cycle((ONE, "C300", TWO, NONE))
        for number in count():
            if self._over.wait(0.005):
                break
            word = next(words)
            if not self._has_room(word):
                continue
            happened = event(subject=f"s{number}", word=word)
            self._ahead[word].add(happened.id)
            message = to_message(self._probe.outbox.values(happened), "probe")
            self.refused.extend(publisher.publish([message]).values())
            self.published.append(happened)
        publisher.close()

    def _has_room(self, word: str) -> bool:
        ahead = self._ahead.setdefault(word, set())
        if len(ahead) >= AHEAD:
            query = "SELECT event_id FROM effect WHERE event_id = ANY(:ahead)"
            ahead -= {row.event_id for row in self._probe.rows(query, ahead=list(ahead))}
        return len(ahead) < AHEAD


@pytest.fixture
def load(probe: Probe) -> Iterator[Load]:
    running = Load(probe)
    yield running
    running.end()


def topology(*partitions: Partition) -> Topology:
    return build(
        {"probe": SERVICE.consumes},
        [OUTSIDE],
        partitions={"probe": frozenset(partitions)},
        retry_delays_ms=DELAYS_MS,
    )


def handled_by(probe: Probe, worker: object) -> set[object]:
    rows = probe.rows("SELECT event_id FROM effect WHERE worker = :worker", worker=str(worker))
    return {row.event_id for row in rows}


def test_moving_out_and_back_under_load_loses_and_doubles_nothing(probe: Probe, load: Load) -> None:
    shared = probe.start_worker()
    probe.apply_topology(topology(PARTITION))
    out = len(load.published) + 1  # one may be on its way
    apart = probe.start_worker(PARTITION=f"{ONE},{TWO}")
    eventually(lambda: len(handled_by(probe, apart.popen.pid)) >= 20)

    # Who is stopped delays nobody else, and what waits for it is there afterwards.
    apart.popen.send_signal(signal.SIGSTOP)
    stopped = len(load.published) + 1
    eventually(lambda: len(load.of("C300", since=stopped)) >= 20)
    others = {each.id for each in load.of("C300", NONE, since=stopped)}
    eventually(lambda: others <= handled_by(probe, shared.popen.pid))
    waiting = {each.id for each in load.of(ONE, TWO, since=stopped)}
    assert waiting
    assert not waiting & {row.event_id for row in probe.rows("SELECT event_id FROM effect")}
    apart.popen.send_signal(signal.SIGCONT)
    eventually(lambda: waiting <= handled_by(probe, apart.popen.pid))

    before = len(load.published)
    probe.apply_topology(topology())
    back = len(load.published) + 1
    eventually(lambda: len(load.of(ONE, TWO, since=back)) >= 20)
    load.end()
    eventually(lambda: probe.rows("SELECT count(*) FROM effect")[0][0] == len(load.published))
    eventually(lambda: [probe.depth(queue) for queue in (*APART.working_queues(), NAMES.queue)] == [0] * 6)
    assert apart.terminate() == 0, apart.output

    assert load.refused == []
    ids = {each.id for each in load.published}
    assert {row.event_id for row in probe.rows("SELECT DISTINCT event_id FROM effect")} == ids
    # Not even delivered twice: there is no moment at which two queues get the same event.
    assert probe.rows("SELECT count(*) FROM tries")[0][0] == len(ids)
    meanwhile = {each.id for each in load.of(ONE, TWO, since=out, until=before)}
    assert meanwhile <= handled_by(probe, apart.popen.pid)
    assert {each.id for each in load.of(ONE, TWO, since=back)} <= handled_by(probe, shared.popen.pid)
    assert {each.id for each in load.of("C300", NONE)} <= handled_by(probe, shared.popen.pid)


def test_what_fails_in_a_partition_waits_in_its_own_queues_and_ends_with_all_dead_letters(
    probe: Probe,
) -> None:
    probe.apply_topology(topology(PARTITION))
    flaky, doomed = event(word=ONE, fail_times=2), event(DOOMED, word=TWO)
    probe.publish(flaky, doomed)
    apart = probe.start_worker(PARTITION=f"{TWO},{ONE}")  # and nobody else
    eventually(lambda: (probe.effects(flaky), probe.tries(flaky)) == (1, 3))
    eventually(lambda: probe.depth(NAMES.dead_queue) == 1)
    assert probe.rows("SELECT 1 FROM turn") == []  # jobs are everybody's, and the others' to run
    assert probe.command("dlq", "redrive", "--all").stdout.endswith("\n1 redriven\n")
    assert probe.depth(NAMES.queue) == 1
    assert apart.health() == 200


def test_a_worker_of_a_partition_that_is_not_there_ends_with_a_clear_message(probe: Probe) -> None:
    worker = probe.start("worker", PARTITION=ONE)
    assert worker.popen.wait(PATIENCE_SECONDS) == 1
    assert f"queue {Names('probe', Partition.of(ONE)).queue} is missing" in worker.output
    assert "Traceback" not in worker.output
