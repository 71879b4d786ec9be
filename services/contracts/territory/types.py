"""The building blocks of every file of a territory: a strict base model and the fields' types."""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Istat = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Cap = Annotated[str, StringConstraints(pattern=r"^[0-9]{5}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Email = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9._%+-]+@([a-z0-9-]+\.)+[a-z]{2,}$", max_length=254)
]
#: International form without spaces, e.g. +390331000000.
Phone = Annotated[str, StringConstraints(pattern=r"^\+[0-9]{6,15}$")]
Cents = Annotated[int, Field(ge=0, le=10**12)]
PositiveCents = Annotated[int, Field(gt=0, le=10**12)]
Minutes = Annotated[int, Field(gt=0, le=24 * 60)]
Percent = Annotated[int, Field(ge=0, le=100)]


def _whole_minutes(value: dt.time) -> dt.time:
    if value.tzinfo is not None or value.second or value.microsecond:
        raise ValueError("a local wall time is written HH:MM, without seconds or zone")
    return value


#: Local wall time of the ambito's zone, whole minutes.
LocalTime = Annotated[dt.time, AfterValidator(_whole_minutes)]

_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-([0-2][0-9]|3[01])")


def _month_day(value: str) -> str:
    if not _MONTH_DAY.fullmatch(value):
        raise ValueError("a yearly day is written MM-DD")
    try:
        dt.date(2001, int(value[:2]), int(value[3:]))  # not a leap year: 29 February recurs in no way
    except ValueError:
        raise ValueError(f"{value} is not a day of every year") from None
    return value


#: A day that recurs every year, MM-DD.
MonthDay = Annotated[str, AfterValidator(_month_day)]


class Strict(BaseModel):
    """Unknown fields are refused, nothing is coerced, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Localised(Strict):
    """The same short text in Italian and English."""

    it: Text
    en: Text


class Weekday(StrEnum):
    """Day of the week, as in the files."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def iso(self) -> int:
        """1 (Monday) to 7 (Sunday), as ``date.isoweekday()``."""
        return list(Weekday).index(self) + 1


class WeeklyHours(Strict):
    """A window of local wall time on some days of every week. It ends on the day on which it begins."""

    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    from_: Annotated[LocalTime, Field(alias="from")]
    to: LocalTime

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.to <= self.from_:
            raise ValueError(f"the window ends at {self.to:%H:%M}, not after it begins at {self.from_:%H:%M}")
        if len(set(self.weekdays)) != len(self.weekdays):
            raise ValueError("a weekday is listed twice")
        return self

    def shares_a_minute_with(self, other: WeeklyHours) -> bool:
        """True if both windows cover a common minute of the week."""
        return (
            not set(self.weekdays).isdisjoint(other.weekdays)
            and self.from_ < other.to
            and other.from_ < self.to
        )


class Validity(Strict):
    """A period of local days, both included. ``valid_to`` null: without end."""

    valid_from: dt.date
    valid_to: dt.date | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to {self.valid_to} is before valid_from {self.valid_from}")
        return self

    def holds_on(self, day: dt.date) -> bool:
        """True on every day from the first to the last one included."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def shares_a_day_with(self, other: Validity) -> bool:
        """True if some day belongs to both periods."""
        return (self.valid_to is None or other.valid_from <= self.valid_to) and (
            other.valid_to is None or self.valid_from <= other.valid_to
        )
