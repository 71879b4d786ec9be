"""How often one consumer may ask: ModI, RAC_ROBUSTEZZA_001."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

_WINDOW_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """Where a consumer stands: requests allowed and left in this window, and seconds until the next one."""

    limit: int
    remaining: int
    reset_seconds: int
    exceeded: bool

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """As ModI has every answer tell it; names and values as ASGI takes them."""
        return (
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset_seconds),
        )


class Rates:
    """Counts requests by consumer, in windows of a minute that are the same for all.

    With a window its counts are forgotten, so they never hold more consumers than asked within a minute. They
    are this process's own: several gateways each grant the limit.
    """

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        """`now` gives seconds that never go back."""
        self._limit = per_minute
        self._now = now
        self._window = -1
        self._counts: Counter[str] = Counter()

    def take(self, consumer: str) -> Rate:
        """One more request of `consumer`."""
        window, into = divmod(self._now(), _WINDOW_SECONDS)
        if window != self._window:
            self._window = int(window)
            self._counts.clear()
        self._counts[consumer] += 1
        remaining = self._limit - self._counts[consumer]
        return Rate(self._limit, max(remaining, 0), ceil(_WINDOW_SECONDS - into), exceeded=remaining < 0)
