"""The calendar and the clock on the wall by which days and hours are counted in Italy."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

ROME: Final = ZoneInfo("Europe/Rome")


def local_day(instant: datetime) -> date:
    """The day it is in Italy at an aware `instant`, whatever the clocks did that night."""
    if instant.tzinfo is None:
        raise ValueError("a local day needs an aware instant")
    return instant.astimezone(ROME).date()
