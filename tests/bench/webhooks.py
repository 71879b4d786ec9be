"""Cooperatives' webhook receiver, registered only while it is measured: each event costs it a delivery."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from deploy.demo.receiver import Receiver
from services.contracts.events.catalogue import BookingConfirmed
from tests.bench.arrivals import Arrivals, record
from tests.bench.pace import at_pace, times_in
from tests.system.world import Session

_TIMEOUT_SECONDS = 10.0
_BARE = b'{"type":"bench"}'.ljust(400)
"""Of an event's size, and no event."""


class Webhooks(Arrivals):
    """One receiver for confirmed bookings.

    `sign_in` gives a session of each of these cooperatives, which register it: anew each time, because a run
    lasts longer than a token.
    """

    def __init__(self, sign_in: Callable[[str], Session], cooperatives: Sequence[str]) -> None:
        super().__init__()
        self._sign_in = sign_in
        self._cooperatives = cooperatives
        self.url: str = self._pool.submit(_listen).result()

    @contextmanager
    def connected(self) -> Iterator[None]:
        body = {"url": self.url, "event_types": [BookingConfirmed.event_type()]}
        registered = []
        try:
            for portal in map(self._sign_in, self._cooperatives):
                made = portal.ok(portal.post("/webhook-endpoints", body))
                registered.append((portal, made["endpoint"]["id"]))
            yield
        finally:
            for portal, endpoint in registered:
                portal.ok(portal.http.delete(f"/api/v1/webhook-endpoints/{endpoint}"))


class _Stopwatch(Receiver):
    """Notes when a booking's event came. Whether it is signed rightly is for tests."""

    def accept(self, body: bytes, headers: dict[str, str]) -> int:
        now = time.time_ns()
        if body != _BARE:
            event = json.loads(body)
            record(event["data"]["booking_id"], event["timestamp"], now)
        return 204


def _listen() -> str:
    return _Stopwatch().url  # its thread goes on


def bare_posts(url: str, *, rate: float, seconds: float) -> list[float]:
    """Milliseconds of each POST of an event's size at an even pace, connecting anew each time, as deliveries
    do.
    """
    address = urlsplit(url)

    def bare_post() -> None:
        connection = http.client.HTTPConnection(address.netloc, timeout=_TIMEOUT_SECONDS)
        connection.request("POST", address.path, _BARE, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != http.client.NO_CONTENT:
            raise RuntimeError(f"the receiver answers {answer.status}")

    return at_pace(bare_post, times=times_in(seconds, rate), rate=rate)
