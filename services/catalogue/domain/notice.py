"""Until when a citizen may cancel: the notice that the ambito's rule asks for, in hours that count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.catalogue.domain.slots import local_day_start

_SEARCH_LIMIT_DAYS = 370
_MOMENT = timedelta(microseconds=1)


def cancellable_until(
    starts_at: datetime,
    notice: timedelta,
    zone: ZoneInfo,
    is_free_day: Callable[[date], bool],
) -> datetime:
    """The last instant (UTC) at which at least `notice` of counting time lies before the visit.

    Time of local days that are free days does not count; pass `lambda day: False` to count all.
    """
    instant, missing = starts_at, notice
    for _ in range(_SEARCH_LIMIT_DAYS):
        if missing <= timedelta(0):
            break
        day = (instant - _MOMENT).astimezone(zone).date()
        begin = local_day_start(day, zone)
        if not is_free_day(day):
            counting = min(missing, instant - begin)
            missing -= counting
            if missing <= timedelta(0):
                return (instant - counting).astimezone(UTC)
        instant = begin
    return instant.astimezone(UTC)
