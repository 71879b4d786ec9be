"""The server at its limits: more calls than threads, callers who give up, and the order to stop."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from deploy.local.ports import free_port
from services.chassis.caller import ANONYMOUS
from services.chassis.refusal import Refusal, Unavailable
from services.chassis.rpc.client import call, open_channel
from services.chassis.rpc.server import RpcServer
from services.chassis.tokens import TokenVerifier
from tests.support.polling import eventually
from tests.support.postgres import Postgres
from tests.support.rpc import Gate, method, serving, wait_until_idle


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open()


@pytest.fixture
def verifier(tmp_path: Path) -> TokenVerifier:
    return TokenVerifier(tmp_path / "none.json")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


Send = Callable[..., bytes]


def sender(channel: grpc.Channel) -> Send:
    def send(request: bytes, deadline_seconds: float = 20) -> bytes:
        answer: bytes = call(
            method(channel, "Wait"), request, caller=ANONYMOUS, deadline_seconds=deadline_seconds
        )
        return answer

    return send


def test_what_exceeds_the_queue_is_turned_away_at_once(
    gate: Gate, verifier: TokenVerifier, pool: ThreadPoolExecutor
) -> None:
    with (
        serving(verifier, {"Wait": gate}, threads=1, maximum_concurrent_rpcs=3) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        wait_until_idle(server, channel)
        send = sender(channel)
        calls = [pool.submit(send, b"%d" % number) for number in range(8)]
        eventually(lambda: sum(done.done() for done in calls) == 5)
        turned_away = [done for done in calls if done.done()]
        for done in turned_away:
            refusal = done.exception()
            assert isinstance(refusal, Unavailable)
            assert refusal.retry_after_seconds
        gate.open()
        assert len({done.result() for done in calls if done not in turned_away}) == 3
        assert send(b"afterwards") == b"afterwards"


def test_a_call_whose_caller_gave_up_in_the_queue_is_not_started(
    gate: Gate, verifier: TokenVerifier, pool: ThreadPoolExecutor
) -> None:
    with (
        serving(verifier, {"Wait": gate}, threads=1) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        send = sender(channel)
        first = pool.submit(send, b"first")
        eventually(lambda: gate.entered == [b"first"])
        with pytest.raises(Unavailable):
            send(b"gave up", deadline_seconds=0.2)
        gave_up = time.monotonic()
        eventually(lambda: time.monotonic() > gave_up + 0.1)  # the server's deadline is a little later
        gate.open()
        assert first.result() == b"first"
        assert send(b"third") == b"third"  # its turn comes after the one that gave up
        assert gate.entered == [b"first", b"third"]


def test_stopping_lets_calls_under_way_finish_and_takes_no_new_ones(
    gate: Gate, verifier: TokenVerifier, pool: ThreadPoolExecutor
) -> None:
    with (
        serving(verifier, {"Wait": gate}, threads=4) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        send = sender(channel)
        calls = [pool.submit(send, b"%d" % number) for number in range(8)]  # 4 running, 4 queued
        accepted: Any = server._server
        eventually(lambda: accepted._state.active_rpc_count == 8 and len(gate.entered) == 4)
        stopping = pool.submit(server.stop, 20)
        eventually(lambda: refuses(server))
        assert not any(done.done() for done in calls)
        assert not stopping.done()
        gate.open()
        assert sorted(done.result() for done in calls) == [b"%d" % number for number in range(8)]
        stopping.result(20)


def refuses(server: RpcServer) -> bool:
    with open_channel(f"127.0.0.1:{server.port}") as newcomer:
        try:
            sender(newcomer)(b"too late", deadline_seconds=0.2)
        except Refusal as refusal:
            return isinstance(refusal, Unavailable)
    return False


def test_calls_that_outlast_the_grace_are_cancelled(
    gate: Gate, verifier: TokenVerifier, pool: ThreadPoolExecutor
) -> None:
    with (
        serving(verifier, {"Wait": gate}) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        endless = pool.submit(sender(channel), b"x")
        eventually(lambda: gate.entered)
        pool.submit(server.stop, 0.1).result(10)
        assert isinstance(endless.exception(10), Unavailable)
        gate.open()


_PROCESS = """
import sys, threading
from services.chassis.database import Database
from services.chassis.definition import ServiceDefinition
from services.chassis.logs import configure
from services.chassis.rpc.server import run
from services.chassis.settings import ServiceSettings
from tests.support.rpc import add_handlers

def slow(request, context):
    print("ENTERED", flush=True)
    threading.Event().wait(0.5)
    return request

def build(settings, database):
    return [(add_handlers, {"Wait": slow})]

if __name__ == "__main__":
    sys.modules["process"] = sys.modules["__main__"]
    settings = ServiceSettings()
    configure("test", "grpc")
    definition = ServiceDefinition(name="test", settings="", migrations="", grpc="process:build")
    run(settings, definition, Database.from_settings(settings, "test-grpc"))
    print("RETURNED", flush=True)
"""


def test_the_process_ends_in_order_on_sigterm(postgres: Postgres, pool: ThreadPoolExecutor) -> None:
    url = postgres.create_database("rpc")
    port, ops_port = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", _PROCESS],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "DATABASE_URL": url,
            "GRPC_BIND": f"127.0.0.1:{port}",
            "OPS_BIND": f"127.0.0.1:{ops_port}",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with open_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(20)
            answer = pool.submit(sender(channel), b"in flight")
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip() == "ENTERED":
                    break
            process.send_signal(signal.SIGTERM)
            assert answer.result() == b"in flight"
            rest, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "RETURNED" in rest
        assert '"outcome": "ok"' in rest
    finally:
        process.kill()
        process.wait()
        postgres.drop_database(url)
