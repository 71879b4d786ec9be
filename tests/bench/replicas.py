"""What a second process of a kind gains, and how the two share the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from tests.bench.doubled import Doubled
from tests.bench.figures import Result, Round
from tests.bench.load import Load, Report, Request
from tests.bench.scenarios import WARM_UP_SECONDS, Bench
from tests.bench.system import System

_SHARE = 1 / 2
"""Of a round's time for each of both figures, because every round starts the processes anew."""


class Replicas:
    """Bookings with vouchers per second with the second process; the limit is without."""

    def __init__(
        self,
        name: str,
        bench: Bench,
        requests: Sequence[Request],
        double: Callable[[System], AbstractContextManager[Doubled]],
    ) -> None:
        self.name = name
        self._bench = bench
        self._double = double
        self._requests = requests
        self._rounds: list[Round] = []
        self._unexpected: Counter[str] = Counter()
        self._handled: Counter[str] = Counter()
        self._idle: set[str] = set()

    def warm_up(self) -> None:
        """Only the installation's processes: the second ones live for a round."""
        self._run([self._bench.system.instance.base_url], WARM_UP_SECONDS)

    def round(self, seconds: float) -> None:
        """Measure without the second process, then with it."""
        without = self._run([self._bench.system.instance.base_url], seconds * _SHARE)
        with self._double(self._bench.system) as doubled:
            self._run(doubled.base_urls, WARM_UP_SECONDS)
            before = {each.name: each.handled() for each in doubled.processes}
            report = self._run(doubled.base_urls, seconds * _SHARE)
            handled = {each.name: each.handled() - before[each.name] for each in doubled.processes}
        self._handled.update(handled)
        self._idle |= {name for name, count in handled.items() if not count}
        self._rounds.append(
            Round(value=report.per_second, limit=without.per_second, milliseconds=report.milliseconds)
        )

    def last(self) -> str:
        last = self._rounds[-1]
        return f"{last.value:,.0f} bookings/s; with one process {last.limit:,.0f}"

    def result(self) -> Result:
        return Result(
            scenario=self.name,
            unit="bookings/s",
            rounds=self._rounds,
            limit_is="the same with one process",
            notes={"handled_by_process": dict(self._handled), "unexpected_answers": dict(self._unexpected)},
        )

    def faults(self) -> Iterator[str]:
        """What makes the figures worthless."""
        if self._unexpected:
            yield f"{self.name}: answers that were not expected: {dict(self._unexpected)}"
        if self._idle:
            yield f"{self.name}: nothing to do for {', '.join(sorted(self._idle))}"

    def remark(self) -> str:
        """Who did how much."""
        shares = ", ".join(f"{name} {count:,}" for name, count in self._handled.items())
        return f"{self.name}: handled by {shares}"

    def _run(self, base_urls: Sequence[str], seconds: float) -> Report:
        """Under load, and until all is at rest again."""
        report = self._bench.generator.run(
            Load(
                base_url=base_urls[0],
                further_urls=base_urls[1:],
                requests=self._requests,
                expected_status=201,
                seconds=seconds,
            )
        )
        self._bench.system.wait_for_rest()
        self._unexpected += report.unexpected
        return report
