"""Carries a schedule out, and measures after each episode how long the system takes to be well again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.faults.client import NoAnswer
from tests.faults.probe import Probe
from tests.faults.records import Records
from tests.faults.schedule import Episode, Stroke
from tests.faults.site import Site

RECOVERY_TARGET_SECONDS = 10.0
_RECOVERY_LIMIT_SECONDS = 90.0


@dataclass
class Struck:
    """What became of one kind of fault."""

    injected: int = 0
    overlapping: int = 0
    """How many of them while another one was there."""
    recoveries: list[float] = field(default_factory=list)
    """Seconds from the part being back until all processes were healthy and a booking was confirmed."""
    seen: Counter[str] = field(default_factory=Counter)
    """Answers other than success from the beginning to the recovery, of everybody."""


@dataclass
class Injector:
    """Strikes while the load runs."""

    site: Site
    probe: Probe
    records: Records
    struck: dict[str, Struck] = field(default_factory=dict)

    def run(self, episodes: Iterable[Episode], seconds: float) -> None:
        """For so long; an episode that has begun is brought to its end."""
        until = time.monotonic() + seconds
        for episode in episodes:
            if time.monotonic() >= until:
                return
            self.play(episode)

    def play(self, episode: Episode) -> None:
        """Break, mend, wait until all is well, pause."""
        before = self.records.seen
        with ThreadPoolExecutor(len(episode.strokes)) as pool:
            strokes = [pool.submit(self._strike, stroke) for stroke in episode.strokes]
        for stroke, done in zip(episode.strokes, strokes, strict=True):
            if (error := done.exception()) is not None:
                self.records.blame(f"{stroke.fault.name} could not be carried out: {error!r}")
        recovery = self._recovery()
        names = " + ".join(stroke.fault.name for stroke in episode.strokes)
        if recovery is None:
            self.records.blame(
                f"{names}: not well after {_RECOVERY_LIMIT_SECONDS:.0f} s: {self.site.instance.not_ready()}"
            )
        seen = _unwelcome(self.records.seen - before)
        for stroke in episode.strokes:
            struck = self.struck.setdefault(stroke.fault.name, Struck())
            struck.injected += 1
            struck.overlapping += len(episode.strokes) > 1
            struck.seen += seen
            if recovery is not None:
                struck.recoveries.append(recovery)
        told = "not at all" if recovery is None else f"after {recovery:.1f} s"
        shown = ", ".join(f"{answer} ×{count}" for answer, count in seen.most_common(3))
        self.site.progress.say(f"    {names}: well {told}{'; ' + shown if shown else ''}")
        time.sleep(episode.pause_seconds)

    def _recovery(self) -> float | None:
        """Seconds until all is well; None if that does not come about."""
        try:
            return self.probe.wait(lambda: not self.site.instance.not_ready(), _RECOVERY_LIMIT_SECONDS)
        except NoAnswer as late:
            self.records.blame(str(late))
            return None

    def _strike(self, stroke: Stroke) -> None:
        time.sleep(stroke.after_seconds)
        stroke.fault.strike(self.site, stroke.seconds, stroke.seed)


def _unwelcome(seen: Counter[str]) -> Counter[str]:
    """What a user would have noticed: no success, and no refusal that has nothing to do with faults."""
    expected = ("2", "409 slot-full", "409 voucher-exhausted")
    return Counter({answer: count for answer, count in seen.items() if not answer.startswith(expected)})
