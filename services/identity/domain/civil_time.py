"""The calendar by which days are counted."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

ROME: Final = ZoneInfo("Europe/Rome")


def local_day(instant: datetime) -> date:
    """The day it is in Italy at an aware instant."""
    return instant.astimezone(ROME).date()
