"""The schedule: the same for the same seed, every kind in turn, and never two faults at the same part."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from tests.faults.kinds import ALL, BY_NAME
from tests.faults.schedule import AT_ONCE, HEAVY_AT_ONCE, LIGHT_TIMES, Episode, episodes


def first(count: int, seed: int) -> list[Episode]:
    return list(islice(episodes(ALL, seed), count))


def test_a_seed_says_everything() -> None:
    assert first(200, seed=7) == first(200, seed=7)
    assert first(200, seed=7) != first(200, seed=8)


def test_in_each_round_every_kind_comes_as_often_as_it_should() -> None:
    once = {fault.name: 1 if fault.heavy else LIGHT_TIMES for fault in ALL}
    names = [stroke.fault.name for episode in first(300, seed=3) for stroke in episode.strokes]
    size = sum(once.values())
    rounds = [names[begin : begin + size] for begin in range(0, len(names), size)]
    assert len(rounds) > 2
    assert all(Counter(each) == once for each in rounds[:-1])


def test_several_come_together_and_never_at_the_same_part() -> None:
    together = [episode.strokes for episode in first(1_000, seed=5)]
    sizes = Counter(map(len, together))
    assert max(sizes) == max(AT_ONCE)
    assert all(sizes[size] > 50 for size in AT_ONCE)
    for strokes in together:
        assert sum(stroke.fault.heavy for stroke in strokes) <= max(HEAVY_AT_ONCE)
        parts = [part for stroke in strokes for part in stroke.fault.parts]
        assert len(parts) == len(set(parts))


def test_every_kind_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(ALL)
