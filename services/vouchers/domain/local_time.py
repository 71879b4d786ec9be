"""Which day it is where the rules apply."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Europe/Rome")


def local_day(instant: datetime) -> date:
    """The day of an aware `instant` on a wall calendar in Italy, whatever the clocks did that night."""
    if instant.tzinfo is None:
        raise ValueError("a local day needs an aware instant")
    return instant.astimezone(ZONE).date()
