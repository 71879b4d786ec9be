"""When to try again, and when to give up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

WEBHOOK_DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first attempt, which is immediate: the schedule of the Standard Webhooks specification, three
days.
"""

EMAIL_DELAYS: Final = (
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=24),
)

MAXIMUM_RETRY_AFTER: Final = timedelta(hours=24)
_JITTER = 0.1


def delay_after(failures: int, delays: tuple[timedelta, ...], jitter: float) -> timedelta | None:
    """How long to wait after that many failures in a row (at least 1), or None to give up.

    `jitter` from 0 to 1 spreads the wait over ±10 %, so that what failed together does not come back
    together.
    """
    if failures > len(delays):
        return None
    return delays[failures - 1] * (1 - _JITTER + 2 * _JITTER * jitter)


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The `Retry-After` header (RFC 9110 §10.2.3): seconds or a date. None if absent or unreadable.

    Never negative and at most 24 hours: a receiver may slow us down, not silence us.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=int(text)) if len(text) < 10 else MAXIMUM_RETRY_AFTER
    else:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), MAXIMUM_RETRY_AFTER)
