"""Which days are free days, and where nothing can be booked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

SUNDAY: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Days without visits, both included: in one comune, of one cooperative, at one Social Point, or
    everywhere.
    """

    first_day: date
    last_day: date
    comune: str | None = None
    provider: str | None = None
    social_point: str | None = None

    def covers(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The territory's days. `patrons`: comune → (month, day) of its patron saint, a holiday there alone."""

    is_national_holiday: Callable[[date], bool]
    patrons: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    closures: Iterable[Closure] = ()

    def is_holiday(self, day: date, comune: str) -> bool:
        """Whether `day` is a national holiday or the comune's patron's. Sundays are no holidays by
        themselves.
        """
        return self.is_national_holiday(day) or self.patrons.get(comune) == (day.month, day.day)

    def is_free_day(self, day: date, comune: str) -> bool:
        """Whether offices and cooperatives do not work as usual: Sundays and holidays."""
        return day.isoweekday() == SUNDAY or self.is_holiday(day, comune)

    def is_closed(self, day: date, *, comune: str, provider: str, social_point: str | None) -> bool:
        """Whether a closure forbids the visits of that cooperative in that comune on `day`."""
        return any(
            closure.covers(day)
            and closure.comune in (None, comune)
            and closure.provider in (None, provider)
            and (closure.social_point is None or closure.social_point == social_point)
            for closure in self.closures
        )
