"""National holidays of Italy (L. 260/1949 and later), from the library that follows the law's changes."""

from __future__ import annotations

from datetime import date
from typing import Final

import holidays

_ITALY: Final = holidays.country_holidays("IT")


def is_national_holiday(day: date) -> bool:
    """Whether `day` is a holiday in all of Italy."""
    return day in _ITALY
