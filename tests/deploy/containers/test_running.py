"""The installation at work: the main job, processes that die and end, more of the same."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.support.containers import logged, service_of
from tests.support.polling import eventually
from tests.support.stack import PROCESSES, Stack

CALLS = ("metric", "rpc_calls_total", 'code="OK"')


@pytest.fixture
def reading(stack: Stack) -> Iterator[list[int]]:
    """Somebody who asks for the services all the time; the statuses of the answers."""
    statuses: list[int] = []
    over = threading.Event()

    def read() -> None:
        with httpx.Client(base_url=stack.api, timeout=10) as client:
            while not over.wait(0.01):
                try:
                    statuses.append(client.get("/services", params={"q": "assistenza"}).status_code)
                except httpx.TransportError:
                    statuses.append(0)

    reader = threading.Thread(target=read)
    reader.start()
    yield statuses
    over.set()
    reader.join()


def test_the_demo_passes(stack: Stack) -> None:
    told = stack.compose("run", "--rm", "demo")
    assert "All 16 steps as expected" in told


@pytest.mark.parametrize("process", ["catalogue-grpc", "catalogue-relay", "gateway"])
def test_a_process_that_is_killed_comes_back(stack: Stack, process: str) -> None:
    before = stack.container(process)
    stack.kill(before)
    eventually(lambda: stack.container(process).attrs["RestartCount"] > before.attrs["RestartCount"])
    stack.wait_healthy(process)
    eventually(lambda: _search(stack) == 200, timeout_seconds=30)


def test_replicas_are_found_and_share_the_work_and_go_again(stack: Stack, reading: list[int]) -> None:
    stack.scale("catalogue-grpc", 2)
    replicas = stack.containers("catalogue-grpc")
    assert len(replicas) == 2
    at_first = [stack.python(each, *CALLS) for each in replicas]

    def both_work() -> bool:
        now = [stack.python(each, *CALLS) for each in replicas]
        return all(after - before >= 20 for before, after in zip(at_first, now, strict=True))

    eventually(both_work, timeout_seconds=60)
    stack.scale("catalogue-grpc", 1)
    assert len(stack.containers("catalogue-grpc")) == 1
    sofar = len(reading)
    eventually(lambda: len(reading) > sofar + 20)
    assert set(reading) == {200}


def test_of_two_relays_one_works_and_the_other_follows(stack: Stack) -> None:
    stack.scale("catalogue-relay", 2)
    for each in stack.containers("catalogue-relay"):
        stack.kill(each)
        assert "All 16 steps as expected" in stack.compose("run", "--rm", "demo")
        stack.wait_healthy("catalogue-relay")
    stack.scale("catalogue-relay", 1)


def test_workers_share_a_queue_and_of_two_deliverers_one_may_die(stack: Stack) -> None:
    scaled = ("vouchers-worker", "notifications-worker", "notifications-deliver")
    stack.scale_all(dict.fromkeys(scaled, 2))
    workers = stack.containers("notifications-worker")
    before = [stack.python(each, "metric", "events_handled_total") for each in workers]
    stack.kill(stack.containers("notifications-deliver")[0])
    assert "All 16 steps as expected" in stack.compose("run", "--rm", "demo")
    after = [stack.python(each, "metric", "events_handled_total") for each in workers]
    assert all(now > then for then, now in zip(before, after, strict=True))
    stack.wait_healthy("notifications-deliver")
    stack.scale_all(dict.fromkeys(scaled, 1))


def test_every_process_ends_in_order_when_it_is_told_to_and_starts_again(stack: Stack) -> None:
    stack.compose("stop", *PROCESSES)
    assert {name: stack.container(name).attrs["State"]["ExitCode"] for name in PROCESSES} == dict.fromkeys(
        PROCESSES, 0
    )
    stack.compose("up", "--detach", "--wait", "--no-recreate")
    assert _search(stack) == 200


def test_logs_are_bounded_and_carry_one_json_object_a_line(stack: Stack) -> None:
    for container in stack.containers():
        assert container.attrs["HostConfig"]["LogConfig"] == {
            "Type": "json-file",
            "Config": {"max-size": "10m", "max-file": "4"},
        }, service_of(container)
    for process in PROCESSES:
        lines = logged(stack.container(process), 5)
        assert lines, process
        assert all(json.loads(line)["level"] for line in lines), process


def test_what_may_be_used_up_is_limited(stack: Stack) -> None:
    for container in stack.containers():
        limits = container.attrs["HostConfig"]
        assert limits["Memory"], service_of(container)
        assert limits["PidsLimit"], service_of(container)


def _search(stack: Stack) -> int:
    try:
        return httpx.get(f"{stack.api}/services", params={"q": "assistenza"}, timeout=10).status_code
    except httpx.TransportError:
        return 0
