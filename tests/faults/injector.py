"""Carries a schedule out, and measures for each fault how long the system takes to be well again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.faults.client import NoAnswer
from tests.faults.probe import Probe
from tests.faults.records import Records
from tests.faults.schedule import Episode, Stroke
from tests.faults.site import Site

RECOVERY_TARGET_SECONDS = 10.0
_RECOVERY_LIMIT_SECONDS = 90.0
_LOOK_SECONDS = 0.2
"""Between two looks whether all is well."""


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
class _Blow:
    """A stroke, and what became of it. Times are of the monotonic clock."""

    stroke: Stroke
    seen_before: Counter[str] = field(default_factory=Counter)
    begun: float = 0.0
    mended: float | None = None
    recovery: float | None = None

    @property
    def name(self) -> str:
        return self.stroke.fault.name


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
        blows = [_Blow(stroke) for stroke in episode.strokes]
        with ThreadPoolExecutor(len(blows)) as pool:
            for blow in blows:
                pool.submit(self._deal, blow)
            told = list(self._watch(blows))
        try:
            self.probe.tidy()
        except NoAnswer as late:
            self.records.blame(str(late))
        self.site.progress.say("    " + "; ".join(told))
        time.sleep(episode.pause_seconds)

    def _deal(self, blow: _Blow) -> None:
        time.sleep(blow.stroke.after_seconds)
        blow.seen_before = self.records.seen
        blow.begun = time.monotonic()
        try:
            blow.stroke.fault.strike(self.site, blow.stroke.seconds, blow.stroke.seed)
        except Exception as error:  # noqa: BLE001 - whatever it was, the run goes on and tells
            self.records.blame(f"{blow.name} could not be carried out: {error!r}")
        finally:
            blow.mended = time.monotonic()

    def _watch(self, blows: Sequence[_Blow]) -> Iterable[str]:
        """Until all is well after each of them; a sentence for each that has its end."""
        waiting = list(blows)
        while waiting:
            looked = time.monotonic()
            mended = [blow for blow in waiting if blow.mended is not None and blow.mended <= looked]
            well = bool(mended) and self.probe.is_well()
            if well:
                for blow in mended:
                    blow.recovery = time.monotonic() - _back(blow, blows, looked)
            late = [blow for blow in mended if looked - (blow.mended or 0) > _RECOVERY_LIMIT_SECONDS]
            for blow in mended if well else late:
                waiting.remove(blow)
                yield self._note(blow, overlapping=len(blows) > 1)
            if not well:
                time.sleep(_LOOK_SECONDS)

    def _note(self, blow: _Blow, *, overlapping: bool) -> str:
        struck = self.struck.setdefault(blow.name, Struck())
        struck.injected += 1
        struck.overlapping += overlapping
        seen = _unwelcome(self.records.seen - blow.seen_before)
        struck.seen += seen
        if blow.recovery is None:
            sentence = f"{blow.name}: not well after {_RECOVERY_LIMIT_SECONDS:.0f} s"
            self.records.blame(f"{sentence}: {self.probe.why_not()}")
            return sentence
        struck.recoveries.append(blow.recovery)
        shown = "".join(f", {answer} ×{count}" for answer, count in seen.most_common(2))
        return f"{blow.name}: well after {blow.recovery:.1f} s{shown}"


def _back(blow: _Blow, blows: Sequence[_Blow], looked: float) -> float:
    """When its part was back, and those that were still broken then, as far as they were back at `looked`."""
    mended = blow.mended or 0.0
    others = (each.mended for each in blows if each.mended is not None and each.begun <= mended)
    return max(mended, *(other for other in others if other <= looked))


def _unwelcome(seen: Counter[str]) -> Counter[str]:
    """What a user would have noticed: no success, and no refusal that has nothing to do with faults."""
    expected = ("2", "409 slot-full", "409 voucher-exhausted")
    return Counter({answer: count for answer, count in seen.items() if not answer.startswith(expected)})
