"""Cooperatives' desks, which look at their live feeds while it is measured: one thread for each."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from deploy.demo.live_reader import LiveReader
from services.contracts.events.catalogue import BookingConfirmed
from tests.bench.arrivals import Arrivals, record
from tests.bench.pace import at_pace, times_in
from tests.system.world import World

_CONFIRMED = BookingConfirmed.event_type()
_START_TIMEOUT_SECONDS = 20.0
_TIMEOUT_SECONDS = 10.0

_readers: list[LiveReader] = []


class Desks(Arrivals):
    """Every cooperative's. They sign in anew each time, because a run lasts longer than a token."""

    def __init__(self, world: World, cooperatives: Sequence[str]) -> None:
        super().__init__()
        self._world = world
        self._cooperatives = cooperatives
        self.base_url = world.instance.base_url

    @contextmanager
    def connected(self) -> Iterator[None]:
        tokens = {slug: self.token(slug) for slug in self._cooperatives}
        self._pool.submit(_look, self.base_url, tokens).result()
        try:
            yield
        finally:
            self._pool.submit(_leave).result()

    def token(self, cooperative: str = "") -> str:
        """A new one of the cooperative, or of any."""
        return self._world.client_token(cooperative or self._cooperatives[0])


def _look(base_url: str, tokens: Mapping[str, str]) -> None:
    _readers.extend(LiveReader(base_url, partial(str, token), _seen) for token in tokens.values())
    if not all(each.wait_looking(_START_TIMEOUT_SECONDS) for each in _readers):
        raise TimeoutError("a live feed could not be looked at")


def _seen(event: Mapping[str, Any]) -> None:
    now = time.time_ns()
    if event["type"] == _CONFIRMED:
        record(event["subject"], event["time"], now)


def _leave() -> None:
    while _readers:
        _readers.pop().close()


def bare_reads(base_url: str, token: str, *, rate: float, seconds: float) -> list[float]:
    """Milliseconds of each reading of nothing from a feed, at an even pace over one connection."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=_TIMEOUT_SECONDS)

    def bare_read() -> None:
        connection.request("GET", "/api/v1/events?after=now", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"reading a feed is answered {answer.status}")

    with closing(connection):
        return at_pace(bare_read, times=times_in(seconds, rate), rate=rate)
