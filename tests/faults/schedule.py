"""Which faults strike, in which order and for how long: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults.fault import Fault

AT_ONCE = (3, 4, 5, 6)
"""How many come together; each number as often as any other, as far as enough of them go together."""
HEAVY_AT_ONCE = (1, 1, 1, 2)
"""How many of these may be heavy ones."""
LIGHT_TIMES = 2
"""How often a light one comes in a round, in which each heavy one comes once."""
_SPREAD_SECONDS = 3.0
_LONGEST_PAUSE_SECONDS = 0.3


@dataclass(frozen=True)
class Stroke:
    """A fault at its time. `seed` decides what the kind leaves open, e.g. which table is locked."""

    fault: Fault
    after_seconds: float
    seconds: float
    seed: int


@dataclass(frozen=True)
class Episode:
    """Faults of different parts, within seconds; then the system gets time to recover, and a pause."""

    strokes: tuple[Stroke, ...]
    pause_seconds: float


def episodes(faults: Sequence[Fault], seed: int) -> Iterator[Episode]:
    """Without end, in rounds: in each, every heavy fault comes once, and every light one `LIGHT_TIMES`."""
    light = [fault for fault in faults if not fault.heavy]
    heavy = [fault for fault in faults if fault.heavy]
    everything = [*heavy, *light * LIGHT_TIMES]
    chance = random.Random(seed)  # noqa: S311 - chance, not secrets
    waiting: list[Fault] = []
    while True:
        if not waiting:
            waiting = chance.sample(everything, len(everything))
        together = _take(waiting, chance.choice(AT_ONCE), chance.choice(HEAVY_AT_ONCE))
        # The heavy ones first: what is mended while they last is not yet expected to be well.
        strokes = tuple(
            _stroke(fault, 0.0 if fault.heavy else chance.uniform(0.0, _SPREAD_SECONDS), chance)
            for fault in together
        )
        yield Episode(strokes, chance.uniform(0.0, _LONGEST_PAUSE_SECONDS))


def _take(waiting: list[Fault], count: int, heavy: int) -> list[Fault]:
    """The next ones that share no part with those before; at most `count`, of them at most `heavy` heavy."""
    taken: list[Fault] = []
    parts: set[str] = set()
    for fault in waiting:
        fits = not fault.parts & parts and fault.heavy <= heavy
        if fits and len(taken) < count:
            taken.append(fault)
            parts |= fault.parts
            heavy -= fault.heavy
    for fault in taken:
        waiting.remove(fault)
    return taken


def _stroke(fault: Fault, after_seconds: float, chance: random.Random) -> Stroke:
    return Stroke(fault, after_seconds, chance.uniform(*fault.seconds), chance.getrandbits(32))
