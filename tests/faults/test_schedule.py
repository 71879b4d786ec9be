"""The schedule: the same for the same seed, every kind in turn, and never two faults at the same part."""

from __future__ import annotations

from itertools import islice

from tests.faults.kinds import ALL, BY_NAME
from tests.faults.schedule import OVERLAP, Episode, episodes


def first(count: int, seed: int) -> list[Episode]:
    return list(islice(episodes(ALL, seed), count))


def test_a_seed_says_everything() -> None:
    assert first(200, seed=7) == first(200, seed=7)
    assert first(200, seed=7) != first(200, seed=8)


def test_every_kind_comes_before_any_comes_again() -> None:
    names = [stroke.fault.name for episode in first(300, seed=3) for stroke in episode.strokes]
    for begin in range(0, len(names) - len(ALL), len(ALL)):
        assert set(names[begin : begin + len(ALL)]) == set(BY_NAME)


def test_faults_overlap_now_and_then_and_never_at_the_same_part() -> None:
    together = [episode.strokes for episode in first(1_000, seed=5) if len(episode.strokes) > 1]
    assert 0.5 * OVERLAP < len(together) / 1_000 <= 1.2 * OVERLAP
    for one, other in together:
        assert not one.fault.parts & other.fault.parts


def test_every_kind_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(ALL)
