"""What a scenario is, and those that load the gateway. Each has rounds; in each, its limit is measured right
before it.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, ParamSpec, Protocol, TypeVar

from tests.bench import load
from tests.bench.figures import Result, Round
from tests.bench.load import Load, Report, Request
from tests.bench.processes import Usage, usage
from tests.bench.system import System

WARM_UP_SECONDS = 1.0
GENERATOR_SHARE_LIMIT = 1 / 3
"""Of the machine's processor time: a generator that takes more measures itself."""

P = ParamSpec("P")
T = TypeVar("T")


class Generator:
    """The process that loads the system, or what its limits are."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def run(self, wanted: Load) -> Report:
        return self.call(load.run, wanted)

    def call(self, function: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
        """What the function, of some module, returns there."""
        return self._pool.submit(function, *arguments, **more).result()

    def close(self) -> None:
        self._pool.shutdown()


@dataclass(frozen=True)
class Bench:
    """What scenarios work with."""

    system: System
    generator: Generator


class Scenario(Protocol):
    """What is measured in rounds."""

    name: str

    def warm_up(self) -> None:
        """Make it as it is in a system that is in use."""

    def round(self, seconds: float) -> None:
        """Measure the limit, then the scenario, each for about so long; then wait until all is at rest."""

    def last(self) -> str:
        """The last round in words."""

    def result(self) -> Result:
        """All rounds."""

    def faults(self) -> Iterator[str]:
        """What makes the figures worthless."""

    def remark(self) -> str:
        """What else a reader of the table should see, in a line; empty for nothing."""


class Loaded:
    """What scenarios that load the gateway have in common: the load, and what it cost where."""

    def __init__(self, name: str, bench: Bench, wanted: Load) -> None:
        self.name = name
        self._system = bench.system
        self._generator = bench.generator
        self._load = wanted
        self.rounds: list[Round] = []
        self._unexpected: Counter[str] = Counter()
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
        self._unexpected += report.unexpected
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
    def _generator_share(self) -> float:
        """Of the machine's processor time while the system was loaded."""
        return self._generator_seconds / self._machine_seconds if self._machine_seconds else 0.0

    @property
    def _others_share(self) -> float:
        """Of the machine's processor time: what neither the installation nor the bench used."""
        return self._others_seconds / self._machine_seconds if self._machine_seconds else 0.0

    def faults(self) -> Iterator[str]:
        """What makes the figures worthless."""
        if self._unexpected:
            yield f"{self.name}: answers that were not expected: {dict(self._unexpected)}"
        if self._generator_share > GENERATOR_SHARE_LIMIT:
            yield f"{self.name}: the generator took {self._generator_share:.0%} of the machine"

    def remark(self) -> str:
        """Where the processor time went."""
        costs = self._costs()
        largest = ", ".join(f"{name} {spent:.2f}" for name, spent in list(costs.items())[:6])
        return (
            f"{self.name}: {sum(costs.values()):.2f} ms of processor time each ({largest}); generator"
            f" {self._generator_share:.0%} and other programs {self._others_share:.0%}"
            f" of the machine; at rest after {max(self._rests):.1f} s"
        )

    def _costs(self) -> dict[str, float]:
        """Milliseconds of processor time for one operation by program, the greatest first."""
        return {
            name: round(spent * 1000 / max(1, self._operations), 3)
            for name, spent in sorted(self._spent.items(), key=lambda item: -item[1])
            if spent > 0
        }

    def _notes(self) -> dict[str, Any]:
        return {
            "operations": self._operations,
            "unexpected_answers": dict(self._unexpected),
            "generator_share_of_machine": round(self._generator_share, 3),
            "other_programs_share_of_machine": round(self._others_share, 3),
            "processor_ms_per_operation": self._costs(),
            "seconds_to_rest_after": [round(rest, 1) for rest in self._rests],
        }


class Throughput(Loaded):
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
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        """`limit`: per second, measured for so many seconds. `notes`: further figures by name."""
        url = bench.system.instance.base_url
        wanted = Load(base_url=url, requests=requests, expected_status=expected_status, seconds=0)
        super().__init__(name, bench, wanted)
        self._unit = unit
        self._limit = limit
        self._limit_is = limit_is
        self._further = notes or {}

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
            notes={**self._notes(), **self._further},
        )
