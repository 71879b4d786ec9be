"""Doing something at an even pace, as what is measured beside it does."""

from __future__ import annotations

import time
from collections.abc import Callable


def at_pace(operation: Callable[[], None], *, times: int, rate: float) -> list[float]:
    """Milliseconds of each `operation`; `rate` of them per second, one after the other."""
    milliseconds = []
    begun = time.perf_counter()
    for number in range(times):
        wait = begun + number / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)  # until its turn: this makes the load, and waits for nothing
        started = time.perf_counter()
        operation()
        milliseconds.append((time.perf_counter() - started) * 1000)
    return milliseconds


def times_in(seconds: float, rate: float) -> int:
    """How often that is; at least once."""
    return max(1, int(rate * seconds))
