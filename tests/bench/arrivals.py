"""What arrives at cooperatives' systems, and when: each kind of system is a process of its own.

`record`, `taken` and what a kind listens with run in that process; `Arrivals` is how the others talk to it.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Arrival:
    """A message about `subject`: when it arrived and when its event occurred, in nanoseconds since 1970."""

    subject: str
    arrived_ns: int
    occurred_ns: int


_arrivals: list[Arrival] = []
_lock = threading.Lock()


def record(subject: str, occurred_at: str, arrived_ns: int) -> None:
    """Remember an arrival until it is taken; `occurred_at` in ISO 8601."""
    occurred_ns = int(datetime.fromisoformat(occurred_at).timestamp() * 1e9)
    with _lock:
        _arrivals.append(Arrival(subject, arrived_ns, occurred_ns))


def taken() -> list[Arrival]:
    """What is remembered, which is then forgotten."""
    global _arrivals
    with _lock:
        found, _arrivals = _arrivals, []
    return found


class Arrivals:
    """The process of one kind of system; subclasses listen in it."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    @contextmanager
    def connected(self) -> Iterator[None]:
        """While the block runs, what is to arrive arrives; some kinds are connected always."""
        yield

    def take(self) -> list[Arrival]:
        """What arrived since it was last asked."""
        return self._pool.submit(taken).result()

    def wait_for(self, subjects: set[str], timeout_seconds: float) -> dict[str, Arrival]:
        """The last arrival about each of the subjects; without those that did not come in time."""
        found: dict[str, Arrival] = {}
        deadline = time.monotonic() + timeout_seconds
        while True:
            found |= {arrival.subject: arrival for arrival in self.take() if arrival.subject in subjects}
            if len(found) == len(subjects) or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._pool._processes.values():
            process.terminate()  # its threads listen for ever
        self._pool.shutdown()
