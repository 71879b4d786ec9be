"""Watches begin and end with every connection, and a server answers all the same."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.chassis.rpc.health_servicer import HealthServicer
from tests.architecture.project import ROOT
from tests.support.polling import eventually

SERVING, NOT_SERVING, UNKNOWN = (
    health_pb2.HealthCheckResponse.SERVING,
    health_pb2.HealthCheckResponse.NOT_SERVING,
    health_pb2.HealthCheckResponse.SERVICE_UNKNOWN,
)

# Clients come and go, a status changes with each; it prints how many watches had begun when it ended.
COMING_AND_GOING = """
import os, sys, threading
from concurrent.futures import ThreadPoolExecutor
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from {module} import HealthServicer

servicer = HealthServicer()
server = grpc.server(ThreadPoolExecutor(6))
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
begun, moved = 0, threading.Event()

def come_and_go():
    global begun
    while True:
        with grpc.insecure_channel(f"127.0.0.1:{{port}}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service="x"))
            next(watch)
            begun += 1
            servicer.set("x", 1 + begun % 2)
            moved.set()

for _ in range(8):
    threading.Thread(target=come_and_go, daemon=True).start()
while begun < {enough} and moved.wait(10):
    moved.clear()
print(begun)
sys.stdout.flush()
os._exit(0)
"""
ENOUGH = 2000


def watches_until_it_stands_still(module: str) -> int:
    """At most ENOUGH."""
    done = subprocess.run(
        [sys.executable, "-c", COMING_AND_GOING.format(module=module, enough=ENOUGH)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return int(done.stdout)


def test_a_server_answers_however_many_watches_begin_and_end() -> None:
    assert watches_until_it_stands_still("services.chassis.rpc.health_servicer") >= ENOUGH


def test_with_the_servicer_of_the_library_it_stands_still() -> None:
    """What ours is for; when this fails, the library's has become good enough."""
    assert watches_until_it_stands_still("grpc_health.v1.health") < ENOUGH


@pytest.fixture
def servicer() -> HealthServicer:
    return HealthServicer()


@pytest.fixture
def stub(servicer: HealthServicer) -> Iterator[health_pb2_grpc.HealthStub]:
    server = grpc.server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield health_pb2_grpc.HealthStub(channel)
    server.stop(0).wait()


def watching(stub: health_pb2_grpc.HealthStub, name: str) -> tuple[grpc.Call, Queue[int]]:
    """A watch, and what it is told."""
    told: Queue[int] = Queue()
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=30)

    def listen() -> None:
        try:
            for each in watch:
                told.put(each.status)
        except grpc.RpcError:
            return

    threading.Thread(target=listen, daemon=True).start()
    return watch, told


def test_watchers_are_told_what_is_and_what_changes_and_nothing_twice(
    servicer: HealthServicer, stub: health_pb2_grpc.HealthStub
) -> None:
    watches = [watching(stub, "x") for _ in range(5)]  # more than there are threads
    for _, told in watches:
        assert told.get(timeout=10) == UNKNOWN
    for status in (SERVING, SERVING, NOT_SERVING, NOT_SERVING):
        servicer.set("x", status)
    servicer.set("y", SERVING)
    servicer.set("x", SERVING)
    for _, told in watches:
        assert [told.get(timeout=10) for _ in range(3)] == [SERVING, NOT_SERVING, SERVING]


def test_after_the_end_nothing_is_served_any_more(
    servicer: HealthServicer, stub: health_pb2_grpc.HealthStub
) -> None:
    servicer.set("x", SERVING)
    _, told = watching(stub, "x")
    assert told.get(timeout=10) == SERVING
    servicer.end()
    servicer.set("x", SERVING)
    assert told.get(timeout=10) == NOT_SERVING
    assert stub.Check(health_pb2.HealthCheckRequest(service="x"), timeout=5).status == NOT_SERVING
    with pytest.raises(grpc.RpcError) as refused:
        stub.Check(health_pb2.HealthCheckRequest(service="no-such"), timeout=5)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_who_has_left_is_forgotten(servicer: HealthServicer, stub: health_pb2_grpc.HealthStub) -> None:
    watch, told = watching(stub, "x")
    assert told.get(timeout=10) == UNKNOWN
    assert len(servicer._watchers["x"]) == 1
    watch.cancel()
    eventually(lambda: servicer._watchers == {})
