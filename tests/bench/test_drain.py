"""The pace of a process that gets through what waits for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.bench.drain import pace

_START = datetime(2026, 11, 23, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [_START + timedelta(seconds=each) for each in seconds]


def test_the_first_tenth_does_not_count() -> None:
    slow_start = at(0, 100, *(100 + number / 10 for number in range(1, 19)))  # 20 events
    assert pace(slow_start) == pytest.approx(18 / 1.8)


def test_what_was_done_with_the_tenth_one_is_before_the_time() -> None:
    batches = at(*[1] * 500, *[2] * 500, *[3] * 500)
    assert pace(batches) == 500


def test_one_time_is_no_pace() -> None:
    with pytest.raises(ValueError, match="no pace"):
        pace(at(1, 1, 1))
