"""From the broker to an effect, once."""

import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial, reduce
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa

from services.chassis.messaging.delivery import Delivery
from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.topology import QUEUE_ARGUMENTS
from tests.chassis.integration.conftest import DELAYS_MS, NAMES, Probe, Process
from tests.chassis.probe.events import DONE, DOOMED, UNHEARD, event
from tests.support.polling import PATIENCE_SECONDS, eventually
from tests.support.postgres import Postgres


def headers(**changes: str) -> dict[str, str]:
    return {
        "ce-id": str(uuid.uuid4()),
        "ce-type": DONE,
        "ce-subject": "thing",
        "ce-sequence": "1",
        "ce-time": "2026-01-01T00:00:00Z",
    } | {name.replace("_", "-"): value for name, value in changes.items()}


@contextmanager
def recursion_limit(limit: int) -> Iterator[None]:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    yield
    sys.setrecursionlimit(usual)


def message(body: bytes, *, message_id: str | None = None, **changes: str) -> Outgoing:
    return Outgoing(
        exchange=NAMES.exchange,
        routing_key="thing.done.L319.aurora",
        body=body,
        headers=headers(**changes),
        message_id=message_id,
    )


def test_a_transient_failure_is_tried_again_after_growing_pauses(probe: Probe) -> None:
    flaky = event(fail_times=2)
    probe.publish(flaky)
    probe.start_worker()
    eventually(lambda: probe.effects(flaky) == 1)
    tries = probe.rows("SELECT at FROM tries WHERE event_id = :id ORDER BY id", id=flaky.id)
    pauses = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(tries)]
    assert len(pauses) == 2
    assert all(pause >= due / 1_000 for pause, due in zip(pauses, DELAYS_MS, strict=False))
    eventually(lambda: probe.depth(NAMES.queue) == 0)
    assert probe.depth(NAMES.dead_queue) == 0


def test_what_never_succeeds_becomes_a_dead_letter_with_its_reason(probe: Probe) -> None:
    hopeless, fine = event(subject="hopeless", fail_times=100), event(subject="fine")
    probe.publish(hopeless, fine)
    probe.start_worker(WORKER_MAXIMUM_TRIES="3")
    eventually(lambda: probe.depth(NAMES.dead_queue) == 1)
    assert (probe.effects(hopeless), probe.tries(hopeless)) == (0, 3)
    eventually(lambda: probe.effects(fine) == 1)
    [dead] = probe.take(NAMES.dead_queue)
    assert dead.headers["x-reason"] == "gave up after 3 tries: RuntimeError"
    assert dead.headers["x-failures"] == 3
    assert dead.headers["x-routing-key"] == hopeless.routing_key
    assert dead.headers["ce-id"] == dead.properties["message_id"] == str(hopeless.id)


def test_what_this_version_does_not_know_is_tried_again_before_it_is_a_dead_letter(probe: Probe) -> None:
    probe.bind(NAMES.exchange, NAMES.queue, "thing.unheard.#")
    probe.publish(event(UNHEARD))
    probe.start_worker(WORKER_MAXIMUM_TRIES="3")
    eventually(lambda: probe.depth(NAMES.dead_queue) == 1)
    [dead] = probe.take(NAMES.dead_queue)
    assert dead.headers["x-reason"] == f"gave up after 3 tries: no handler for type {UNHEARD}"


def test_what_cannot_be_handled_is_a_dead_letter_at_once(probe: Probe) -> None:
    doomed, malformed = event(DOOMED), event(fail_times="many")
    probe.publish(doomed, malformed)
    probe.start_worker()
    eventually(lambda: probe.depth(NAMES.dead_queue) == 2)
    reasons = {
        letter.properties["message_id"]: (letter.headers["x-reason"], letter.headers["x-failures"])
        for letter in probe.take(NAMES.dead_queue)
    }
    assert reasons == {
        str(doomed.id): ("doomed from the start", 1),
        str(malformed.id): ("body is not a Instructions: fail_times: int_parsing", 1),
    }


def test_what_no_relay_would_publish_is_a_dead_letter_too(probe: Probe) -> None:
    publisher = probe.publisher()
    wrong = {
        "header ce-id is missing or malformed": message(b"{}", message_id="1", ce_id="7"),
        "header ce-sequence is missing or malformed": message(b"{}", message_id="2", ce_sequence="first"),
        "header ce-time is missing or malformed": message(
            b"{}", message_id="3", ce_time="2026-01-01T00:00:00"
        ),
        "body is not a Instructions: body: json_invalid": message(b"\xff{", message_id="4"),
        "content type is 'text/weird', not application/json": Outgoing(
            exchange=NAMES.exchange,
            routing_key="thing.done.-.-",
            body=b"?",
            headers={},
            content_type="text/weird",
        ),
    }
    assert publisher.publish(list(wrong.values())) == {}
    publisher.close()
    probe.start_worker()
    eventually(lambda: probe.depth(NAMES.dead_queue) == len(wrong))
    assert {letter.headers["x-reason"] for letter in probe.take(NAMES.dead_queue)} == set(wrong)


NESTED: list[Any] = reduce(lambda inner, _: [inner], range(2_000), [])
NO_TEXT: Any = b"\xff"  # not UTF-8


@pytest.mark.parametrize(
    ("changes", "more_headers"),
    [
        pytest.param({"type": NO_TEXT}, {}, id="a property that is no text"),
        pytest.param({}, {"deep": NESTED}, id="a header too deep to be read"),
        pytest.param({}, {NO_TEXT: 1}, id="a header's name that is no text"),
        pytest.param({}, {"x-failures": 2**63 - 1}, id="a number that cannot be counted on"),
    ],
)
def test_what_cannot_be_read_or_passed_on_is_a_dead_letter_and_in_nobodys_way(
    probe: Probe, changes: Mapping[str, Any], more_headers: Mapping[Any, Any]
) -> None:
    """It cost the worker its connection, and all that was under way a delivery, again and again."""
    bad = message(b"no JSON")
    publisher = probe.publisher()
    with recursion_limit(20_000):
        publisher.publish([replace(bad, **changes, headers={**bad.headers, **more_headers})])
    publisher.close()
    fine = [event(subject=str(number)) for number in range(3)]
    probe.publish(*fine)
    worker = probe.start_worker()
    eventually(lambda: all(probe.effects(each) == 1 for each in fine) and probe.depth(NAMES.dead_queue) == 1)
    assert '"broker lost"' not in worker.output
    [dead] = map(Delivery.of, probe.take(NAMES.dead_queue))
    assert "delivery_limit" not in dead.reason
    eventually(lambda: probe.depth(NAMES.queue) == 0)
    assert worker.terminate() == 0


def test_sigterm_lets_a_running_handler_finish_and_acknowledges_it(probe: Probe) -> None:
    running, waiting = event(subject="running", gate=True), event(subject="waiting")
    with probe.gate():
        probe.publish(running)
        worker = probe.start_worker(WORKER_PREFETCH="1")
        eventually(lambda: probe.tries(running) == 1)
        probe.publish(waiting)
        worker.popen.terminate()
        worker.wait_for('"event": "stopping"')
        assert worker.is_running()
    assert worker.popen.wait(PATIENCE_SECONDS) == 0, worker.output
    assert (probe.effects(running), probe.effects(waiting)) == (1, 0)
    probe.start_worker()
    eventually(lambda: probe.effects(waiting) == 1)
    assert (probe.effects(running), probe.tries(running)) == (1, 1)


def test_killed_in_the_middle_the_effect_happens_once(probe: Probe) -> None:
    happened = event(gate=True)
    with probe.gate():
        probe.publish(happened)
        worker = probe.start_worker()
        eventually(lambda: probe.tries(happened) == 1)
        worker.kill()
        probe.end_sessions("probe-worker")
        probe.start_worker()
        eventually(lambda: probe.tries(happened) == 2)
    eventually(lambda: probe.effects(happened) == 1)


def test_two_workers_share_a_queue_without_repeating(probe: Probe) -> None:
    with probe.gate():
        probe.publish(*(event(subject=f"s{number}", gate=True) for number in range(40)))
        probe.start_worker()
        probe.start_worker()
        eventually(lambda: probe.rows("SELECT count(*) FROM tries")[0][0] == 8)  # each all it may hold
    eventually(lambda: probe.rows("SELECT count(*) FROM effect")[0][0] == 40)
    assert probe.rows("SELECT count(DISTINCT event_id), count(DISTINCT worker) FROM effect")[0] == (40, 2)


def test_handlers_run_side_by_side(probe: Probe) -> None:
    """A driver that stops the process while it waits would let only the first begin."""
    meeting = [event(subject=f"s{number}", gate=True) for number in range(4)]
    with probe.gate():
        probe.publish(*meeting)
        probe.start_worker(WORKER_PREFETCH="4")
        eventually(lambda: sum(probe.tries(one) for one in meeting) == 4)
        assert sum(probe.effects(one) for one in meeting) == 0
    eventually(lambda: sum(probe.effects(one) for one in meeting) == 4)


def test_while_the_database_is_gone_no_message_uses_up_its_tries(probe: Probe, postgres: Postgres) -> None:
    worker = probe.start_worker(WORKER_MAXIMUM_TRIES="1")
    name = probe.database_url.rsplit("/", 1)[1]
    admin = sa.create_engine(
        postgres.admin_url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    happened = message(b"{}", message_id="m")
    publisher = probe.publisher()
    with admin.connect() as connection:
        connection.execute(sa.text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
        publisher.publish([happened])
        eventually(lambda: probe.depth(NAMES.queue) == 0)  # the worker has it
        eventually(lambda: worker.health() == 503)
        connection.execute(sa.text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
    admin.dispose()
    publisher.close()
    eventually(lambda: probe.rows("SELECT count(*) FROM effect")[0][0] == 1)
    assert probe.depth(NAMES.dead_queue) == 0


def test_a_missing_queue_ends_the_worker_with_a_clear_message(probe: Probe) -> None:
    queue = NAMES.retry_queue(2)
    with probe.management() as client:
        client.delete(f"/api/queues/{probe.vhost.name}/{queue}").raise_for_status()
    worker = probe.start("worker")
    assert worker.popen.wait(PATIENCE_SECONDS) == 1
    assert f"queue {queue} is missing" in worker.output
    assert "Traceback" not in worker.output


def test_a_queue_of_another_kind_ends_the_worker_with_a_clear_message(probe: Probe) -> None:
    with probe.management() as client:
        path = f"/api/queues/{probe.vhost.name}/{NAMES.queue}"
        client.delete(path).raise_for_status()
        client.put(path, json={"durable": True, "arguments": {"x-queue-type": "classic"}}).raise_for_status()
    worker = probe.start("worker")
    assert worker.popen.wait(PATIENCE_SECONDS) == 1
    assert f"queue {NAMES.queue} is of another kind than {QUEUE_ARGUMENTS}" in worker.output
    assert "Traceback" not in worker.output


def test_without_a_broker_it_waits_as_long_as_told_and_ends(probe: Probe) -> None:
    worker = probe.start("worker", AMQP_URL="amqp://probe:x@127.0.0.1:1//", BROKER_WAIT_SECONDS="0.5")
    assert worker.popen.wait(PATIENCE_SECONDS) == 1
    assert "the broker does not answer" in worker.output


def test_jobs_run_again_and_again_and_never_two_at_once(probe: Probe) -> None:
    first, second = probe.start_worker(), probe.start_worker()
    eventually(lambda: probe.rows("SELECT count(*) FROM turn")[0][0] >= 10)
    for worker in (first, second):
        assert worker.health() == 200
        eventually(partial(stumbled_twice, worker))
        assert worker.terminate() == 0, worker.output
    overlapping = probe.rows(
        "SELECT 1 FROM turn a JOIN turn b ON a.id < b.id"
        " AND b.started_at < a.ended_at AND a.started_at < b.ended_at"
    )
    assert overlapping == []
    assert probe.rows("SELECT 1 FROM turn WHERE ended_at IS NULL") == []


def stumbled_twice(worker: Process) -> bool:
    return (worker.metric('job_turns_total{name="stumble",outcome="failed"}') or 0) >= 2
