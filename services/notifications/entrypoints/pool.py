"""A bounded pool that fetches its own work."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from prometheus_client import Counter as Count
from prometheus_client import Gauge, Histogram

from services.chassis.logs import get_logger

Claim = TypeVar("Claim")

_attempts = Count("deliver_attempts_total", "Attempts made, by the state after them", ["kind", "state"])
_seconds = Histogram(
    "deliver_attempt_seconds",
    "From the start of an attempt to its record",
    ["kind"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30),
)
_under_way = Gauge("deliver_attempts_under_way", "Attempts being made right now", ["kind"])
_log = get_logger(__name__)


class Pool(Generic[Claim]):
    """`threads` daemon threads that perform claims, one each at a time.

    No more is claimed than can begin at once, and `ahead` more: the leases of what waits here run already.
    `perform` returns the state after its attempt; an error in it is logged, and the claim's lease ends by
    itself. `wake` is set by whoever knows of new work; and whenever a thread has become free while more was
    due than could be claimed, because there was no more room, or no more than `share` of claims with the same
    `of` may be under way.
    """

    def __init__(
        self,
        kind: str,
        *,
        threads: int,
        ahead: int = 0,
        claim: Callable[[int], list[Claim]],
        perform: Callable[[Claim], str],
        of: Callable[[Claim], Hashable] = id,
        share: int | None = None,
    ) -> None:
        self.kind = kind
        self.wake = threading.Event()
        self._claim = claim
        self._perform = perform
        self._of = of
        self._share = threads + ahead if share is None else share
        self._under_way: Counter[Hashable] = Counter()
        self._more_was_due = False
        self._free = threads + ahead
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._all = self._free
        self._work: queue.SimpleQueue[Claim] = queue.SimpleQueue()
        for number in range(threads):
            threading.Thread(target=self._run, name=f"{kind}-{number}", daemon=True).start()

    def fill(self) -> None:
        """Claims as much work as there is room for. Raises what `claim` raises."""
        with self._lock:
            free = self._free
        if free == 0:
            return
        work = self._claim(free)
        with self._lock:
            self._more_was_due = len(work) == free
            self._free -= len(work)
            self._under_way.update(map(self._of, work))
        for claimed in work:
            self._work.put(claimed)

    def wait_idle(self, timeout_seconds: float) -> bool:
        """Waits until nothing is under way; False if the time is over first."""
        with self._idle:
            return self._idle.wait_for(lambda: self._free == self._all, timeout_seconds)

    def _run(self) -> None:
        while True:
            claimed = self._work.get()
            self._attempt(claimed)
            whose = self._of(claimed)
            with self._idle:
                self._free += 1
                held_back_others = self._under_way[whose] >= self._share
                self._under_way -= Counter([whose])  # leaves nothing at zero
                if self._more_was_due or held_back_others:
                    self.wake.set()
                self._idle.notify_all()

    def _attempt(self, claimed: Claim) -> None:
        started = time.perf_counter()
        state = "error"
        with _under_way.labels(self.kind).track_inprogress():
            try:
                state = self._perform(claimed)
            except Exception:  # noqa: BLE001 - the thread must live on
                _log.exception("attempt failed", kind=self.kind)
        _attempts.labels(self.kind, state).inc()
        _seconds.labels(self.kind).observe(time.perf_counter() - started)


AnyPool = Pool[Any]
