"""What is measured. Each scenario has rounds; in each, its limit is measured right before it."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from tests.bench import load, raw_broker
from tests.bench.consumer import Consumer
from tests.bench.figures import Result, Round, percentile
from tests.bench.load import Load, Report, Request
from tests.bench.processes import Usage, usage
from tests.bench.system import System

WARM_UP_SECONDS = 1.0
GENERATOR_SHARE_LIMIT = 1 / 3
"""Of the machine's processor time: a generator that takes more measures itself."""
_ARRIVAL_TIMEOUT_SECONDS = 15.0


class Generator:
    """The process that loads the system, or the broker alone."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def run(self, wanted: Load) -> Report:
        return self._pool.submit(load.run, wanted).result()

    def run_raw_broker(self, url: str, *, rate: float, seconds: float) -> list[float]:
        return self._pool.submit(raw_broker.run, url, rate=rate, seconds=seconds).result()

    def close(self) -> None:
        self._pool.shutdown()


@dataclass(frozen=True)
class Bench:
    """What scenarios work with."""

    system: System
    generator: Generator
    consumer: Consumer


class _Loaded:
    """What scenarios that load the gateway have in common: the load, and what it cost where."""

    def __init__(self, name: str, bench: Bench, wanted: Load) -> None:
        self.name = name
        self._system = bench.system
        self._generator = bench.generator
        self._load = wanted
        self.rounds: list[Round] = []
        self.unexpected: Counter[str] = Counter()
        self.lost = 0
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._operations = 0
        self._generator_seconds = self._machine_seconds = self._others_seconds = 0.0
        self._rests: list[float] = []

    def warm_up(self) -> None:
        """Connections, caches and prepared statements as they are in a system that is in use."""
        self._generator.run(replace(self._load, seconds=WARM_UP_SECONDS))
        self._system.wait_for_rest()

    def _run(self, seconds: float) -> Report:
        before = usage(self._system.instance)
        report = self._generator.run(replace(self._load, seconds=seconds))
        self._account(usage(self._system.instance).since(before), report)
        self.unexpected += report.unexpected
        return report

    def _account(self, used: Usage, report: Report) -> None:
        for program, spent in used.programs.items():
            self._spent[program] += spent
        self._operations += len(report.milliseconds)
        self._generator_seconds += report.processor_seconds
        self._machine_seconds += report.seconds * (os.cpu_count() or 1)
        ours = sum(used.programs.values()) + report.processor_seconds
        self._others_seconds += max(0.0, used.machine_busy - ours)

    def _rest(self) -> None:
        """What is still to be done belongs to this scenario: it must not slow the next one down."""
        self._rests.append(self._system.wait_for_rest())

    @property
    def generator_share(self) -> float:
        """Of the machine's processor time while the system was loaded."""
        return self._generator_seconds / self._machine_seconds if self._machine_seconds else 0.0

    @property
    def others_share(self) -> float:
        """Of the machine's processor time: what neither the installation nor the bench used."""
        return self._others_seconds / self._machine_seconds if self._machine_seconds else 0.0

    def _notes(self) -> dict[str, Any]:
        costs = {
            name: round(spent * 1000 / max(1, self._operations), 3)
            for name, spent in sorted(self._spent.items(), key=lambda item: -item[1])
            if spent > 0
        }
        return {
            "operations": self._operations,
            "unexpected_answers": dict(self.unexpected),
            "generator_share_of_machine": round(self.generator_share, 3),
            "other_programs_share_of_machine": round(self.others_share, 3),
            "processor_ms_per_operation": costs,
            "seconds_to_rest_after": [round(rest, 1) for rest in self._rests],
        }


class Throughput(_Loaded):
    """How many a second, as fast as 16 clients go that each wait for their answer."""

    def __init__(
        self,
        name: str,
        bench: Bench,
        requests: Sequence[Request],
        *,
        unit: str,
        expected_status: int,
        limit: Callable[[float], float],
        limit_is: str,
    ) -> None:
        url = bench.system.instance.base_url
        wanted = Load(base_url=url, requests=requests, expected_status=expected_status, seconds=0)
        super().__init__(name, bench, wanted)
        self._unit = unit
        self._limit = limit
        self._limit_is = limit_is

    def round(self, seconds: float) -> None:
        """Measure the limit, then the scenario, each for so long; then wait until the system is at rest."""
        limit = self._limit(seconds)
        report = self._run(seconds)
        self._rest()
        self.rounds.append(Round(value=report.per_second, limit=limit, milliseconds=report.milliseconds))

    def last(self) -> str:
        """The last round in words."""
        last = self.rounds[-1]
        return f"{last.value:,.0f} {self._unit} of {last.limit:,.0f}"

    def result(self) -> Result:
        return Result(
            scenario=self.name,
            unit=self._unit,
            rounds=self.rounds,
            limit_is=self._limit_is,
            notes=self._notes(),
        )


class CommitToQueue(_Loaded):
    """From a booking's confirmation to its arrival in the cooperative's own queue, at an even pace.

    The clock starts at the event's `occurred_at`, which is read right before the statement that commits: what
    is measured is a little more than the way from the commit.
    """

    def __init__(self, name: str, bench: Bench, requests: Sequence[Request], rate: float) -> None:
        wanted = Load(
            base_url=bench.system.instance.base_url,
            requests=requests,
            expected_status=201,
            seconds=0,
            rate=rate,
            keep_ids=True,
        )
        super().__init__(name, bench, wanted)
        self._consumer = bench.consumer
        self._rate = rate
        self._after_answer: list[float] = []
        self._paces: list[float] = []

    def round(self, seconds: float) -> None:
        """Measure the broker alone, then the scenario, each for so long; then wait until all is at rest."""
        url = self._system.broker_url
        raw = sorted(self._generator.run_raw_broker(url, rate=self._rate, seconds=seconds))
        self._consumer.take()
        report = self._run(seconds)
        answered = dict(report.ids)
        arrivals = self._consumer.wait_for(set(answered), _ARRIVAL_TIMEOUT_SECONDS)
        if not arrivals:
            raise RuntimeError(f"nothing arrived of {len(answered)} bookings; {dict(self.unexpected)}")
        self.lost += len(answered) - len(arrivals)
        delays = sorted((each.arrived_ns - each.occurred_ns) / 1e6 for each in arrivals.values())
        self._after_answer += [
            (arrival.arrived_ns - answered[subject]) / 1e6 for subject, arrival in arrivals.items()
        ]
        self._paces.append(report.per_second)
        self._rest()
        value, limit = percentile(delays, 50), percentile(raw, 50)
        self.rounds.append(Round(value=value, limit=limit, milliseconds=delays))

    def last(self) -> str:
        """The last round in words."""
        last = self.rounds[-1]
        pace = f"{self._paces[-1]:,.0f} bookings/s"
        return f"{last.value:.1f} ms at {pace}; the broker alone {last.limit:.1f} ms"

    def result(self) -> Result:
        after = sorted(self._after_answer)
        notes = {
            "bookings_per_second": [round(pace, 1) for pace in self._paces],
            "events_lost": self.lost,
            "p50_ms_after_the_answer": round(percentile(after, 50), 2),
            "p99_ms_after_the_answer": round(percentile(after, 99), 2),
        }
        return Result(
            scenario=self.name,
            unit="ms",
            rounds=self.rounds,
            limit_is="p50 of the broker alone at the same pace: confirmed publish to receipt, quorum queue",
            smaller_is_better=True,
            notes=notes | self._notes(),
        )
