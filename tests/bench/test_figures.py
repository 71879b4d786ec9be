"""The arithmetic of a result, and its form in latest.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.figures import Result, Round, percentile, table, write

SHAPE = {"value", "unit", "p50_ms", "p95_ms", "p99_ms", "ratio_to_limit", "limit"}


@pytest.mark.parametrize(
    ("count", "percent", "rank"),
    [(1, 50, 1), (1, 99, 1), (2, 50, 1), (100, 50, 50), (100, 99, 99), (200, 99.9, 200)],
)
def test_a_percentile_is_a_value_that_was_measured(count: int, percent: float, rank: int) -> None:
    assert percentile([float(value) for value in range(1, count + 1)], percent) == rank


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.1, 100))
def test_so_many_values_do_not_exceed_a_percentile(values: list[float], percent: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    below = sum(value < found for value in ordered) / len(ordered) * 100
    not_above = sum(value <= found for value in ordered) / len(ordered) * 100
    assert below <= percent + 1e-6
    assert not_above >= percent - 1e-6


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 50)


def test_the_median_round_counts_and_each_round_has_its_own_ratio() -> None:
    rounds = [Round(value=500, limit=1000), Round(value=90, limit=100), Round(value=300, limit=1000)]
    result = Result(scenario="s", unit="bookings/s", rounds=rounds)
    assert (result.value, result.limit, result.spread) == (300, 1000, (90, 500))
    assert result.ratio == 0.5  # of 0.5, 0.9 and 0.3


def test_of_times_the_smaller_is_the_better() -> None:
    result = Result(scenario="s", unit="ms", rounds=[Round(value=8, limit=2)], smaller_is_better=True)
    assert result.ratio == 0.25


def test_percentiles_are_of_all_rounds_together() -> None:
    rounds = [Round(value=1, milliseconds=[3.0, 1.0]), Round(value=1, milliseconds=[2.0, 4.0])]
    found = Result(scenario="s", unit="1/s", rounds=rounds).percentiles()
    assert found == {"p50_ms": 2.0, "p95_ms": 4.0, "p99_ms": 4.0}


def test_the_file_has_the_agreed_shape(tmp_path: Path) -> None:
    full = Round(value=10.123456, limit=40, milliseconds=[1.0, 2.0])
    results = [
        Result(scenario="full", unit="bookings/s", rounds=[full], notes={"operations": 2}),
        Result(scenario="bare", unit="s", rounds=[Round(value=7)]),
    ]
    file = tmp_path / "bench" / "latest.json"
    write(results, file)
    write(results, file)  # replaces what is there
    found = json.loads(file.read_text())
    assert all(found[name].keys() >= SHAPE for name in ("full", "bare"))
    assert (found["full"]["value"], found["full"]["ratio_to_limit"]) == (10.12, 0.2531)
    assert found["full"]["operations"] == 2
    assert (found["bare"]["p99_ms"], found["bare"]["ratio_to_limit"]) == (None, None)
    assert [each.name for each in file.parent.iterdir()] == ["latest.json"]


def test_the_table_has_a_line_for_each_scenario() -> None:
    rounds = [Round(value=1234.5, limit=5000, milliseconds=[1.0]), Round(value=1000, limit=5000)]
    lines = table([Result(scenario="one", unit="bookings/s", rounds=rounds)]).splitlines()
    assert len(lines) == 2
    assert "1,000–1,234" in lines[1]
    assert lines[1].endswith("22.3%")
