"""The load generator: some keep-alive connections, each sending its next request when its answer is complete.

It runs in a process of its own and does as little as possible for each request, so that it leaves the
processors to what is measured: requests are ready bytes, answers are parsed by httptools, and only their
status is looked at.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle, islice
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

_ANSWER_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Request:
    """A request as bytes. Each time it is sent, a new Idempotency-Key stands between `head` and `tail`; one
    without `tail` is sent as it is.
    """

    head: bytes
    tail: bytes = b""


def get(path: str, token: str = "", *, anew: bool = False) -> Request:
    """A GET with that path and query; `anew`: not to be answered as somebody else was a moment ago."""
    return Request(_head("GET", path, token) + (b"Cache-Control: no-cache\r\n" if anew else b"") + b"\r\n")


def post(path: str, body: Mapping[str, object], token: str = "") -> Request:
    """A POST of JSON, with a new Idempotency-Key each time."""
    content = json.dumps(body, separators=(",", ":")).encode()
    length = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n".encode()
    return Request(_head("POST", path, token) + length + b"Idempotency-Key: ", b"\r\n\r\n" + content)


def _head(method: str, path: str, token: str) -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{method} {path} HTTP/1.1\r\nHost: ambito\r\nAccept-Language: en\r\n{authorization}".encode()


@dataclass(frozen=True, kw_only=True)
class Load:
    """What to send where. `requests` are sent in turn, again from the first one after the last. Clients are
    spread over `base_url` and `further_urls`.

    `rate` is per second, for all clients together; None: as fast as answers come. With `keep_ids` the `id` in
    each answer is reported with the time when the answer was complete.
    """

    base_url: str
    requests: Sequence[Request]
    expected_status: int
    seconds: float
    clients: int = 16
    rate: float | None = None
    keep_ids: bool = False
    further_urls: Sequence[str] = ()


@dataclass(kw_only=True)
class Report:
    """What came of a load. `unexpected` counts, by status and problem, what was not answered as expected; all
    other figures are of what was.
    """

    seconds: float = 0.0
    processor_seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)
    answer_bytes: int = 0
    ids: list[tuple[str, int]] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds


def run(load: Load) -> Report:
    """Carry `load` out, in this process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(load))


async def _run(load: Load) -> Report:
    report = Report()
    plan = _Plan(load)
    addresses = [urlsplit(url) for url in (load.base_url, *load.further_urls)]
    loop = asyncio.get_running_loop()
    clients = []
    for address in islice(cycle(addresses), load.clients):
        host, port = address.hostname or "", address.port or 80
        clients.append((await loop.create_connection(lambda: _Client(plan, report), host, port))[1])
    processor, started = _processor_seconds(), time.perf_counter()
    plan.begin(started)
    for client in clients:
        client.proceed()
    async with asyncio.timeout(load.seconds + _ANSWER_TIMEOUT_SECONDS):
        await asyncio.gather(*(client.finished for client in clients))
    report.seconds = time.perf_counter() - started
    report.processor_seconds = _processor_seconds() - processor
    return report


def _processor_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system


class _Plan:
    """Hands out requests until the time is over, each not before its turn."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self._requests: Iterator[Request] = cycle(load.requests)
        self._numbers = count()
        self._run = uuid.uuid4().hex
        self._started = 0.0

    def begin(self, now: float) -> None:
        self._started = now

    def next(self, now: float) -> tuple[float, bytes] | None:
        """Seconds to wait (negative: it is late), and the request; None when the time is over."""
        number = next(self._numbers)
        elapsed = now - self._started
        due = elapsed if self.load.rate is None else number / self.load.rate
        if max(due, elapsed) >= self.load.seconds:
            return None
        request = next(self._requests)
        if not request.tail:
            return due - elapsed, request.head
        return due - elapsed, b"".join((request.head, f"{self._run}-{number}".encode(), request.tail))


class _Client(asyncio.Protocol):
    """One connection. A request that gets no whole answer counts as unexpected and ends it."""

    def __init__(self, plan: _Plan, report: Report) -> None:
        self._plan = plan
        self._report = report
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._sent = 0.0
        self._under_way = False
        self._transport: asyncio.Transport | None = None
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def proceed(self) -> None:
        """Send the next request when its turn comes, or end."""
        assert self._transport is not None
        turn = self._plan.next(time.perf_counter())
        if turn is None:
            self._transport.close()
            self._finish()
            return
        wait, request = turn
        self._under_way = True
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send, request)
        else:
            self._send(request)

    def _send(self, request: bytes) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        report = self._report
        milliseconds = (time.perf_counter() - self._sent) * 1000
        status = self._parser.get_status_code()
        if status == self._plan.load.expected_status:
            report.milliseconds.append(milliseconds)
            report.answer_bytes += len(self._body)
            if self._plan.load.keep_ids:
                report.ids.append((json.loads(self._body)["id"], time.time_ns()))
        else:
            report.unexpected[f"{status} {_problem(self._body)}".strip()] += 1
        self._body.clear()
        self._under_way = False
        self.proceed()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._under_way:
            self._report.unexpected[f"no answer: {exc or 'connection closed'}"] += 1
        self._finish()

    def _finish(self) -> None:
        self._under_way = False
        if not self.finished.done():
            self.finished.set_result(None)


def _problem(body: bytes | bytearray) -> str:
    try:
        return str(json.loads(body)["type"])
    except (ValueError, KeyError, TypeError):
        return ""
