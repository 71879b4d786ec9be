"""Which faults strike, in which order and for how long: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults.fault import Fault

OVERLAP = 0.25
_LONGEST_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Stroke:
    """A fault at its time. `seed` decides what the kind leaves open, e.g. which table is locked."""

    fault: Fault
    after_seconds: float
    seconds: float
    seed: int


@dataclass(frozen=True)
class Episode:
    """One fault, or two that overlap; then the system gets time to recover, and a pause."""

    strokes: tuple[Stroke, ...]
    pause_seconds: float


def episodes(faults: Sequence[Fault], seed: int) -> Iterator[Episode]:
    """Without end. Every fault comes once before any comes again; some come together with the next one."""
    chance = random.Random(seed)  # noqa: S311 - chance, not secrets
    waiting: list[Fault] = []
    while True:
        if not waiting:
            waiting = chance.sample(list(faults), len(faults))
        first = waiting.pop()
        strokes = [_stroke(first, 0.0, chance)]
        if chance.random() < OVERLAP:
            second = next((each for each in reversed(waiting) if not each.parts & first.parts), None)
            if second is not None:
                waiting.remove(second)
                strokes.append(_stroke(second, chance.uniform(0.0, max(0.3, strokes[0].seconds)), chance))
        yield Episode(tuple(strokes), chance.uniform(0.0, _LONGEST_PAUSE_SECONDS))


def _stroke(fault: Fault, after_seconds: float, chance: random.Random) -> Stroke:
    return Stroke(fault, after_seconds, chance.uniform(*fault.seconds), chance.getrandbits(32))
