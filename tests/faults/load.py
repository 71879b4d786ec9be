"""Clients who go on with their lives while things break."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.faults.client import NoAnswer
from tests.faults.life import BOOK, BOOK_FREE, MIX, Life, Market, Purse


@dataclass
class Load:
    """Runs while the block runs; afterwards every request has had its answer."""

    market: Market
    purses: list[Purse]
    """Each is a client's own."""
    mix: Mapping[str, int] = field(default_factory=lambda: MIX)
    pause_seconds: float = 0.0
    """Of each client between two operations, on average."""

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(len(self.purses), thread_name_prefix="client")
        self._running = [
            self._pool.submit(self._live, purse, random.Random(seed))  # noqa: S311  # chance
            for seed, purse in enumerate(self.purses)
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for running in self._running:
            running.result()
        self._pool.shutdown()

    @property
    def acknowledged(self) -> int:
        """Bookings."""
        acknowledged = self.market.records.acknowledged
        return acknowledged[BOOK] + acknowledged[BOOK_FREE]

    def _live(self, purse: Purse, chance: random.Random) -> None:
        life = Life(self.market, purse, self.mix, chance)
        while not self._stop.is_set():
            try:
                life.go_on()
            except NoAnswer as late:
                self.market.records.blame(str(late))
            if self.pause_seconds:
                self._stop.wait(chance.expovariate(1 / self.pause_seconds))
