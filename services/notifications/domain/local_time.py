"""Days and times as people here say them: Europe/Rome, in words."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from services.chassis.civil_time import ROME
from services.chassis.refusal import Language

_WEEKDAYS: Final = {
    "it": ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final = {
    "it": (
        "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno",
        "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip


def day_in_words(day: date, language: Language) -> str:
    """`1º dicembre 2026`, `1 December 2026`."""
    number = "1º" if language == "it" and day.day == 1 else str(day.day)
    return f"{number} {_MONTHS[language][day.month - 1]} {day.year}"


def weekday_in_words(instant: datetime, language: Language) -> str:
    """The local day of an instant: `martedì 1º dicembre 2026`, `Tuesday 1 December 2026`."""
    local = instant.astimezone(ROME)
    return f"{_WEEKDAYS[language][local.weekday()]} {day_in_words(local.date(), language)}"


def time_of_day(instant: datetime) -> str:
    """The local time of an instant: `09:00`."""
    return f"{instant.astimezone(ROME):%H:%M}"
