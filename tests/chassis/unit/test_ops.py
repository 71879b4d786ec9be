"""The operations port: what it answers, what it never tells, and that it gets in nobody's way."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from typing import Any

import pytest
from prometheus_client import Counter

from services.chassis import ops

Serve = Callable[[Mapping[str, Callable[[], None]]], ops.OpsServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[ops.OpsServer] = []

    def start(checks: Mapping[str, Callable[[], None]]) -> ops.OpsServer:
        started.append(ops.serve("127.0.0.1:0", checks))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def get(address: tuple[str, int], path: str) -> tuple[int, str, bytes]:
    connection = HTTPConnection(*address, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.status, answer.headers["Content-Type"], answer.read()
    connection.close()
    return found


def get_json(address: tuple[str, int], path: str) -> tuple[int, Any]:
    status, content_type, body = get(address, path)
    assert content_type == "application/json"
    return status, json.loads(body)


def test_health_lists_each_check(serve: Serve) -> None:
    server = serve({"database": lambda: None, "broker": lambda: None})
    assert get_json(server.address, "/health") == (
        200,
        {"status": "ok", "checks": {"database": {"status": "ok"}, "broker": {"status": "ok"}}},
    )


def test_one_failing_check_is_named_and_its_text_is_not_told(serve: Serve) -> None:
    def down() -> None:
        raise ConnectionError("password=secret host=10.0.0.1")

    server = serve({"database": down, "broker": lambda: None})
    status, document = get_json(server.address, "/health")
    assert status == 503
    assert document == {
        "status": "failing",
        "checks": {
            "database": {"status": "failing", "error": "ConnectionError"},
            "broker": {"status": "ok"},
        },
    }
    assert get_json(server.address, "/health/live")[0] == 200  # a restart would not help


def test_metrics_are_prometheus_text(serve: Serve) -> None:
    Counter("ops_test_things", "Things of this test").inc(3)
    status, content_type, body = get(serve({}).address, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain")
    assert b"ops_test_things_total 3.0" in body


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (None, {"outbox": 3}),
        (ops.CannotTellError("nobody is there"), {"error": "nobody is there"}),
        (ConnectionError("password=secret host=10.0.0.1"), {"error": "ConnectionError"}),
    ],
)
def test_status_is_what_the_process_says_and_errors_are_told_only_if_meant_to_be(
    raised: Exception | None, told: object
) -> None:
    def say() -> Mapping[str, Any]:
        if raised is not None:
            raise raised
        return {"outbox": 3}

    server = ops.serve("127.0.0.1:0", {}, say)
    assert get_json(server.address, "/status") == (503 if raised else 200, told)
    server.stop()


def test_other_paths_and_methods_are_refused(serve: Serve) -> None:
    server = serve({})
    for unknown in ("/", "/status"):  # it has none
        assert get_json(server.address, unknown)[0] == 404
    connection = HTTPConnection(*server.address, timeout=5)
    connection.request("POST", "/health", body=b"x")
    assert connection.getresponse().status == 501
    connection.close()


def test_silent_clients_do_not_keep_others_out(serve: Serve) -> None:
    server = serve({})
    silent = [socket.create_connection(server.address) for _ in range(4)]
    assert get_json(server.address, "/health/live")[0] == 200
    for connection in silent:
        connection.close()


def test_a_taken_port_is_an_error_and_a_stopped_one_is_free_at_once(serve: Serve) -> None:
    first = ops.serve("127.0.0.1:0", {})
    bind = f"127.0.0.1:{first.address[1]}"
    with pytest.raises(OSError, match="in use"):
        ops.serve(bind, {})
    get(first.address, "/health")
    first.stop()
    second = ops.serve(bind, {})
    assert get_json(second.address, "/health")[0] == 200
    second.stop()


_EVENTLET = """
import eventlet
eventlet.monkey_patch()
import warnings
import urllib.request
from services.chassis import ops
turns = []
def tick():
    while True:
        turns.append(1)
        eventlet.sleep(0.001)
eventlet.spawn(tick)
server = ops.serve("127.0.0.1:0", {"sleepy": lambda: eventlet.sleep(0.1)})
url = f"http://127.0.0.1:{server.address[1]}/health"
eventlet.sleep(0.05)
assert len(turns) > 5, "waiting for a request holds everything up"
answers = [eventlet.spawn(lambda: urllib.request.urlopen(url, timeout=10).status) for _ in range(3)]
print([answer.wait() for answer in answers])
server.stop()
"""


def test_it_works_in_a_process_patched_by_eventlet() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _EVENTLET],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.strip() == "[200, 200, 200]", done.stderr


def test_it_does_not_keep_a_process_alive() -> None:
    program = "from services.chassis import ops; ops.serve('127.0.0.1:0', {})"
    done = subprocess.run([sys.executable, "-c", program], timeout=10, check=False)
    assert done.returncode == 0
