"""How fast one process gets through what waits for it: a relay's outbox, a worker's queue."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from tests.bench.figures import Result, Round
from tests.bench.processes import processor_seconds, usage
from tests.bench.system import System
from tests.support.processes import ProgramRun

_LEAST_EVENTS = 1_000
_UNTIMED = 10
"""One in so many events, the first ones, is not timed: the process fills its caches meanwhile."""
_SHARE = 1 / 2
"""Of a round's time for limit and process each, because every round has much to prepare."""
_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.1


class Work(Protocol):
    """What there is to do, and which process does it."""

    limit_is: str

    def limit(self, seconds: float) -> float:
        """Events per second that the servers alone can do."""

    def notes(self) -> dict[str, Any]:
        """Further figures by name."""

    def fill(self, count: int) -> None:
        """Let so many events wait."""

    def process(self) -> AbstractContextManager[ProgramRun]:
        """The process, while the block runs."""

    def done(self) -> int:
        """How many events it has done with."""

    def stamps(self) -> list[datetime]:
        """When it had done with each, in ascending order. RuntimeError if it did not do all of the work."""

    def clear(self) -> None:
        """Take away what came of the events."""


def pace(stamps: Sequence[datetime]) -> float:
    """Per second after the first tenth; `stamps` ascend, and groups may be alike. ValueError if all are."""
    begun = stamps[len(stamps) // _UNTIMED]
    seconds = (stamps[-1] - begun).total_seconds()
    if seconds <= 0:
        raise ValueError("all at one time: there is no pace")
    return sum(stamp > begun for stamp in stamps) / seconds


class Drain:
    """The scenario. What the process takes to start does not count."""

    def __init__(self, name: str, system: System, work: Work) -> None:
        self.name = name
        self._system = system
        self._work = work
        self._rounds: list[Round] = []
        self._spent: dict[str, float] = {}
        self._timed = 0
        self._pace = 0.0

    def warm_up(self) -> None:
        """How fast it is about, which says how many events a round needs."""
        self._pace = self._drained(_LEAST_EVENTS)

    def round(self, seconds: float) -> None:
        """Measure the limit, then the process."""
        limit = self._work.limit(seconds * _SHARE)
        self._pace = self._drained(max(_LEAST_EVENTS, int(self._pace * seconds * _SHARE)))
        self._rounds.append(Round(value=self._pace, limit=limit))

    def last(self) -> str:
        last = self._rounds[-1]
        return f"{last.value:,.0f} events/s of {last.limit:,.0f}"

    def result(self) -> Result:
        return Result(
            scenario=self.name,
            unit="events/s",
            rounds=self._rounds,
            limit_is=self._work.limit_is,
            notes={"processor_ms_per_operation": self._costs(), **self._work.notes()},
        )

    def faults(self) -> Iterator[str]:
        """None: what is wrong ends the run."""
        return iter(())

    def remark(self) -> str:
        costs = self._costs()
        largest = ", ".join(f"{name} {spent:.2f}" for name, spent in list(costs.items())[:3])
        return f"{self.name}: {sum(costs.values()):.2f} ms of processor time each ({largest})"

    def _costs(self) -> dict[str, float]:
        """Milliseconds of processor time for one event by program, the greatest first."""
        ordered = sorted(self._spent.items(), key=lambda item: -item[1])
        costs = {name: round(spent * 1000 / max(1, self._timed), 3) for name, spent in ordered}
        return {name: cost for name, cost in costs.items() if cost}

    def _drained(self, count: int) -> float:
        """Events per second, with so many of them."""
        self._work.fill(count)
        with self._work.process() as run:
            begun = self._wait(run, count // _UNTIMED)
            before = self._used(run)
            self._wait(run, count)
            for name, spent in self._used(run).items():
                self._spent[name] = self._spent.get(name, 0.0) + spent - before.get(name, 0.0)
            self._timed += count - begun
        found = pace(self._work.stamps())
        self._work.clear()
        return found

    def _wait(self, run: ProgramRun, count: int) -> int:
        """How many events are done with once at least `count` are."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while (done := self._work.done()) < count:
            if not run.is_running():
                raise RuntimeError(f"{run.program.name} ended; see {os.fspath(run.log)}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: {done} of {count} events after {_TIMEOUT_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)
        return done

    def _used(self, run: ProgramRun) -> dict[str, float]:
        return {**usage(self._system.instance).programs, run.program.name: processor_seconds(run.pid)}
