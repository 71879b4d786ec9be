"""National holidays of Italy (L. 260/1949 and later), from the library that follows the law's changes."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase


def is_national_holiday(day: date) -> bool:
    """Whether `day` is a holiday in all of Italy."""
    return day in _italy()


@cache
def _italy() -> HolidayBase:
    # The library brings every country of the world, a fifth of what a process would load before it works.
    from holidays import country_holidays

    return country_holidays("IT")
