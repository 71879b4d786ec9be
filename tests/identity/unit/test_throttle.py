"""Waits between guesses, also when the clock is not what it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.identity.domain.throttle import BY_TARGET, Attempts, TooManyAttempts

NOW = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def after(attempts: int, at: datetime) -> Attempts:
    """So many attempts in a row, the last of them then."""
    return Attempts(attempts, at, at + BY_TARGET.wait_after(attempts))


def test_who_has_guessed_too_often_waits() -> None:
    many = after(BY_TARGET.free + 3, NOW)
    with pytest.raises(TooManyAttempts) as refused:
        many.charged(BY_TARGET, NOW + timedelta(seconds=1))
    assert refused.value.retry_after_seconds == 3
    assert many.charged(BY_TARGET, NOW + timedelta(seconds=4)).count == many.count + 1


def test_a_clock_that_goes_back_an_hour_makes_nobody_wait_for_an_hour() -> None:
    """Which is said to whoever asks, each time anew, and would not become less by waiting."""
    assert after(1, NOW + HOUR).charged(BY_TARGET, NOW).count == 2
    again = after(BY_TARGET.free + 1, NOW + HOUR).charged(BY_TARGET, NOW)
    assert again == after(BY_TARGET.free + 2, NOW)
    with pytest.raises(TooManyAttempts):  # nor does it spare anybody more than that one wait
        again.charged(BY_TARGET, NOW + timedelta(seconds=1))


def test_a_clock_that_is_a_little_behind_anothers_spares_nobody_the_wait() -> None:
    longest = after(BY_TARGET.free + 20, NOW)
    with pytest.raises(TooManyAttempts) as refused:
        longest.charged(BY_TARGET, NOW - timedelta(seconds=2))
    assert refused.value.retry_after_seconds == BY_TARGET.longest_wait.total_seconds()
