"""comuni.yaml, social_points.yaml and closures.yaml: the comuni, their desks and their free days."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.contracts.forms import Belfiore, Slug
from services.contracts.territory.types import (
    Cap,
    Email,
    Istat,
    Localised,
    MonthDay,
    Name,
    Phone,
    Strict,
    WeeklyHours,
)


class Patron(Strict):
    """The patron saint, whose day is a holiday in the comune alone."""

    name: Name
    day: MonthDay
    #: True while nobody has confirmed the day with the comune.
    verify: bool = False


class Comune(Strict):
    """A municipality of the ambito. Its Belfiore code is its identity everywhere in the system."""

    belfiore: Belfiore
    istat: Istat
    name: Name
    province: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    cap: Cap
    residents: Annotated[int, Field(gt=0)]
    patron: Patron


class SocialPoint(Strict):
    """A desk where people are informed, registered and helped to book; run by a cooperative."""

    slug: Slug
    name: Localised
    comune: Belfiore
    provider: Slug
    address: Name
    phone: Phone
    email: Email
    opening_hours: Annotated[tuple[WeeklyHours, ...], Field(min_length=1)]


class Closure(Strict):
    """Days with nothing to book: in one comune, of one provider, at one Social Point, or everywhere."""

    first_day: date
    last_day: date
    reason: Localised
    comune: Belfiore | None = None
    provider: Slug | None = None
    social_point: Slug | None = None

    @model_validator(mode="after")
    def _one_place_and_order(self) -> Self:
        if sum(place is not None for place in (self.comune, self.provider, self.social_point)) > 1:
            raise ValueError("name at most one of comune, provider and social_point")
        if self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} is before first_day {self.first_day}")
        return self

    def covers(self, day: date) -> bool:
        """True from the first to the last day, both included."""
        return self.first_day <= day <= self.last_day
