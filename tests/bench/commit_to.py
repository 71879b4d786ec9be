"""From a booking's confirmation to a cooperative's system or desk, at an even pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tests.bench import raw_broker
from tests.bench.arrivals import Arrivals
from tests.bench.desks import Desks, bare_reads
from tests.bench.figures import Result, Round, percentile
from tests.bench.load import Load, Request
from tests.bench.scenarios import Bench, Loaded
from tests.bench.webhooks import Webhooks, bare_posts

_ARRIVAL_TIMEOUT_SECONDS = 15.0


class CommitTo(Loaded):
    """How long the news of a booking takes to arrive.

    The clock starts at the event's `occurred_at`, which is read right before the statement that commits: what
    is measured is a little more than the way from the commit.
    """

    def __init__(
        self,
        name: str,
        bench: Bench,
        requests: Sequence[Request],
        rate: float,
        arrivals: Arrivals,
        *,
        limit: Callable[[float], float],
        limit_is: str,
    ) -> None:
        """`rate`: bookings per second. `limit`: milliseconds, measured for so many seconds."""
        wanted = Load(
            base_url=bench.system.instance.base_url,
            requests=requests,
            expected_status=201,
            seconds=0,
            rate=rate,
            keep_ids=True,
        )
        super().__init__(name, bench, wanted)
        self._arrivals = arrivals
        self._limit = limit
        self._limit_is = limit_is
        self._lost = 0
        self._after_answer: list[float] = []
        self._paces: list[float] = []

    def warm_up(self) -> None:
        with self._arrivals.connected():
            super().warm_up()

    def round(self, seconds: float) -> None:
        """Measure the limit, then the scenario, each for so long; then wait until all is at rest."""
        limit = self._limit(seconds)
        with self._arrivals.connected():
            self._arrivals.take()
            report = self._run(seconds)
            answered = dict(report.ids)
            arrivals = self._arrivals.wait_for(set(answered), _ARRIVAL_TIMEOUT_SECONDS)
            self._rest()
        if not arrivals:
            raise RuntimeError(f"nothing arrived of {len(answered)} bookings; {dict(self._unexpected)}")
        self._lost += len(answered) - len(arrivals)
        delays = sorted((each.arrived_ns - each.occurred_ns) / 1e6 for each in arrivals.values())
        self._after_answer += [
            (arrival.arrived_ns - answered[subject]) / 1e6 for subject, arrival in arrivals.items()
        ]
        self._paces.append(report.per_second)
        self.rounds.append(Round(value=percentile(delays, 50), limit=limit, milliseconds=delays))

    def last(self) -> str:
        """The last round in words."""
        last = self.rounds[-1]
        pace = f"{self._paces[-1]:,.0f} bookings/s"
        late = f"p99 {percentile(last.milliseconds, 99):.1f} ms"
        return f"{last.value:.1f} ms ({late}) at {pace}; the limit {last.limit:.1f} ms"

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if self._lost:
            yield f"{self.name}: {self._lost} events did not arrive"

    def result(self) -> Result:
        after = sorted(self._after_answer)
        notes = {
            "bookings_per_second": [round(pace, 1) for pace in self._paces],
            "events_lost": self._lost,
            "p50_ms_after_the_answer": round(percentile(after, 50), 2),
            "p99_ms_after_the_answer": round(percentile(after, 99), 2),
        }
        return Result(
            scenario=self.name,
            unit="ms",
            rounds=self.rounds,
            limit_is=self._limit_is,
            smaller_is_better=True,
            notes=notes | self._notes(),
        )


def to_queue(name: str, bench: Bench, requests: Sequence[Request], rate: float, queues: Arrivals) -> CommitTo:
    """Until it is received from the cooperative's own queue."""
    return CommitTo(
        name,
        bench,
        requests,
        rate,
        queues,
        limit=lambda seconds: _broker_alone(bench, rate, seconds),
        limit_is="p50 of the broker alone at the same pace: confirmed publish to receipt, quorum queue",
    )


def to_webhook(
    name: str, bench: Bench, requests: Sequence[Request], rate: float, webhooks: Webhooks
) -> CommitTo:
    """Until it is received by the cooperative's webhook receiver."""

    def limit(seconds: float) -> float:
        posts = bench.generator.call(bare_posts, webhooks.url, rate=rate, seconds=seconds / 2)
        return _broker_alone(bench, rate, seconds / 2) + percentile(sorted(posts), 50)

    return CommitTo(
        name,
        bench,
        requests,
        rate,
        webhooks,
        limit=limit,
        limit_is="p50 of the broker alone as for the queue, plus that of a bare POST to the same receiver",
    )


def to_desk(
    name: str, bench: Bench, requests: Sequence[Request], rate: float, desks: Desks, *, lookers: Arrivals
) -> CommitTo:
    """Until it comes to those who look at the cooperative's live feed: desks, or pages that show it."""

    def limit(seconds: float) -> float:
        token = desks.token()
        reads = bench.generator.call(bare_reads, desks.base_url, token, rate=rate, seconds=seconds / 2)
        return _broker_alone(bench, rate, seconds / 2) + percentile(sorted(reads), 50)

    return CommitTo(
        name,
        bench,
        requests,
        rate,
        lookers,
        limit=limit,
        limit_is="p50 of the broker alone as for the queue, plus that of reading nothing from a feed",
    )


def _broker_alone(bench: Bench, rate: float, seconds: float) -> float:
    url = bench.system.broker_url
    return percentile(sorted(bench.generator.call(raw_broker.run, url, rate=rate, seconds=seconds)), 50)
