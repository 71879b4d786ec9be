"""Periods of local days, both ends included."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` to `last`, both included; `last` None: without end. ValueError if it ends before it
    begins.
    """

    first: date
    last: date | None

    def __post_init__(self) -> None:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"{self.last} is before {self.first}")

    def __contains__(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)

    def lies_within(self, other: Period) -> bool:
        """Whether every day of this period is one of `other`."""
        if self.first < other.first:
            return False
        return other.last is None or (self.last is not None and self.last <= other.last)

    def overlaps(self, other: Period) -> bool:
        """Whether some day belongs to both."""
        return (other.last is None or self.first <= other.last) and (
            self.last is None or other.first <= self.last
        )


def calendar_year(year: int) -> Period:
    """1 January to 31 December: the life of a budget."""
    return Period(date(year, 1, 1), date(year, 12, 31))
