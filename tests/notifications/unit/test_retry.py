"""When to try again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.retry import (
    EMAIL_DELAYS,
    MAXIMUM_RETRY_AFTER,
    WEBHOOK_DELAYS,
    delay_after,
    parse_retry_after,
)
from services.notifications.domain.webhook import Answer, DeliveryState, disable_reason, next_step

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def test_the_schedule_is_that_of_the_specification() -> None:
    seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert [delay.total_seconds() for delay in WEBHOOK_DELAYS] == seconds


@given(st.integers(1, 9), st.floats(0, 1))
def test_jitter_stays_within_a_tenth(failures: int, jitter: float) -> None:
    delay = delay_after(failures, WEBHOOK_DELAYS, jitter)
    assert delay is not None
    assert 0.899 < delay / WEBHOOK_DELAYS[failures - 1] < 1.101


def test_after_the_last_delay_it_gives_up() -> None:
    assert delay_after(len(WEBHOOK_DELAYS) + 1, WEBHOOK_DELAYS, 0.5) is None
    assert delay_after(len(EMAIL_DELAYS) + 1, EMAIL_DELAYS, 0.5) is None


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("99999999999999999999", MAXIMUM_RETRY_AFTER),
        ("Mon, 23 Nov 2026 10:02:00 GMT", timedelta(minutes=2)),
        ("Mon, 23 Nov 2026 09:00:00 GMT", timedelta(0)),
        ("Mon, 23 Nov 2099 09:00:00 GMT", MAXIMUM_RETRY_AFTER),
        ("Mon, 99 Nov 2026 09:00:00 GMT", None),
        ("²", None),
    ],
)
def test_retry_after(value: str | None, wait: timedelta | None) -> None:
    assert parse_retry_after(value, NOW) == wait


def step(status: int, attempts: int = 1, retry_after: timedelta | None = None) -> object:
    answer = Answer(status=status, at=NOW, milliseconds=1, retry_after=retry_after)
    return next_step(answer, attempts=attempts, now=NOW, jitter=0.5)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_and_nothing_else_is_success(status: int) -> None:
    assert step(status).state is DeliveryState.DELIVERED  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [0, 100, 301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status: int) -> None:
    assert step(status).state is DeliveryState.PENDING  # type: ignore[attr-defined]


def test_retry_after_never_brings_an_attempt_forward() -> None:
    later = step(503, attempts=4, retry_after=timedelta(seconds=1))
    assert later.next_attempt_at == NOW + timedelta(hours=2)  # type: ignore[attr-defined]
    assert later.pause_until == NOW + timedelta(seconds=1)  # type: ignore[attr-defined]


def test_an_endpoint_is_disabled_when_gone_or_when_nothing_has_worked_for_long() -> None:
    gone = next_step(Answer(410, NOW, 1), attempts=1, now=NOW, jitter=0)
    given_up = next_step(Answer(500, NOW, 1), attempts=10, now=NOW, jitter=0)
    failed = next_step(Answer(500, NOW, 1), attempts=3, now=NOW, jitter=0)
    assert disable_reason(gone, failing_for=timedelta(0)) == "gone"
    assert disable_reason(given_up, failing_for=timedelta(hours=70)) == "failing"
    assert disable_reason(given_up, failing_for=timedelta(hours=2)) is None
    assert disable_reason(failed, failing_for=timedelta(days=9)) is None
