"""The load generator against a small server of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.bench.load import Load, Report, get, post, run


class Server(ThreadingHTTPServer):
    """Answers what its handler says, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, dict[str, str], Any]] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """201 to POST, 200 to GET, a problem to /refused, no answer to /hung-up, in pieces to /pieces."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self._answer(200, None)

    def do_POST(self) -> None:
        self._answer(201, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, status: int, body: Any) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.path, headers, body))
        if self.path == "/hung-up":
            self.close_connection = True
            return
        answer = {"id": f"booking-{len(self.server.seen)}"}
        if self.path == "/refused":
            status, answer = 409, {"type": "urn:ambito:problem:slot-full"}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        pieces = [content[:3], content[3:]] if self.path == "/pieces" else [content]
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def load(server: Server, *requests: Any, **changes: Any) -> Report:
    wanted = {"expected_status": 200, "seconds": 0.2, "clients": 4} | changes
    return run(Load(base_url=server.url, requests=requests, **wanted))


def test_each_request_has_a_key_of_its_own_and_all_else_as_given(server: Server) -> None:
    request = post("/api/v1/bookings", {"slot_id": "così"}, "the-token")
    report = load(server, request, expected_status=201)
    assert len(report.milliseconds) == len(server.seen) > 4
    keys = {headers["idempotency-key"] for _, headers, _ in server.seen}
    assert len(keys) == len(server.seen)
    path, headers, body = server.seen[0]
    assert (path, body) == ("/api/v1/bookings", {"slot_id": "così"})
    assert headers["authorization"] == "Bearer the-token"
    load(server, request, expected_status=201)  # another run, other keys
    assert len({headers["idempotency-key"] for _, headers, _ in server.seen}) == len(server.seen)


def test_every_client_keeps_one_connection(server: Server) -> None:
    report = load(server, get("/one"), clients=3)
    assert server.connections == 3
    assert not report.unexpected


def test_clients_are_spread_over_all_addresses(server: Server) -> None:
    with serving() as other:
        report = load(server, get("/one"), clients=5, further_urls=[other.url])
        assert (server.connections, other.connections) == (3, 2)
        assert len(report.milliseconds) == len(server.seen) + len(other.seen)


def test_requests_are_sent_in_turn(server: Server) -> None:
    load(server, get("/one"), get("/two"), get("/three"), clients=1)
    paths = [path for path, _, _ in server.seen]
    assert paths == [("/one", "/two", "/three")[number % 3] for number in range(len(paths))]


def test_what_was_not_expected_is_counted_and_is_no_figure(server: Server) -> None:
    report = load(server, get("/one"), get("/refused"), clients=1)
    assert report.unexpected.keys() == {"409 urn:ambito:problem:slot-full"}
    assert report.unexpected.total() + len(report.milliseconds) == len(server.seen)
    assert report.per_second == len(report.milliseconds) / report.seconds


def test_no_answer_is_counted_too_and_ends_the_client(server: Server) -> None:
    report = load(server, get("/hung-up"), clients=2)
    assert report.unexpected == {"no answer: connection closed": 2}
    assert report.milliseconds == []


def test_a_pace_is_kept_from_above(server: Server) -> None:
    report = load(server, get("/one"), rate=50.0, seconds=0.4)
    # At 0, 20, 40 … ms: twenty turns begin before the time is over, however slow the machine.
    assert len(report.milliseconds) == 20


def test_ids_come_with_the_time_of_their_answer(server: Server) -> None:
    report = load(server, get("/pieces"), clients=1, keep_ids=True)
    assert [name for name, _ in report.ids] == [f"booking-{number + 1}" for number in range(len(server.seen))]
    times = [time for _, time in report.ids]
    assert times == sorted(times)
    assert report.answer_bytes > 0
    assert report.processor_seconds >= 0
