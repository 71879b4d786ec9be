"""categories.yaml, services.yaml and offerings.yaml: what can be had, from whom, and when."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.contracts.forms import Belfiore, Slug
from services.contracts.territory.types import (
    Cents,
    Localised,
    Minutes,
    Name,
    Percent,
    Strict,
    Validity,
    WeeklyHours,
)


class Category(Strict):
    """A group of the catalogue, shown in the order of the file."""

    slug: Slug
    name: Localised
    description: Localised


class ServiceKind(StrEnum):
    """Who answers for a service."""

    PUBLIC = "public"  # free or at the comune's price, for every resident
    ACCREDITED = "accredited"  # at the tariff of the ambito, from providers in the register
    PRIVATE = "private"  # at the provider's price


class PriceUnit(StrEnum):
    """What one price buys."""

    HOUR = "hour"
    VISIT = "visit"


class Place(StrEnum):
    """Where a service happens."""

    HOME = "home"
    PROVIDER = "provider"
    SOCIAL_POINT = "social_point"
    ONLINE = "online"


class Service(Strict):
    """One entry of the catalogue, whoever provides it."""

    slug: Slug
    category: Slug
    kind: ServiceKind
    section: Slug | None = None
    name: Localised
    description: Localised
    target: Localised
    duration_minutes: Minutes
    #: The ambito's tariff for accredited services, otherwise the usual price; without VAT. Only an
    #: offering of a private service may have another.
    price_cents: Cents
    price_unit: PriceUnit
    vat_percent: Percent = 0
    #: Measures whose vouchers pay for it.
    measures: tuple[Slug, ...] = ()
    place: Place

    @model_validator(mode="after")
    def _kind_fits(self) -> Self:
        if self.kind is ServiceKind.ACCREDITED and self.section is None:
            raise ValueError("an accredited service names its section of the register")
        if len(set(self.measures)) != len(self.measures):
            raise ValueError("a measure is listed twice")
        return self


class AvailabilityRule(WeeklyHours, Validity):
    """Bookable slots of every week: the window cut into slots, each with the same number of seats.

    Local wall time: on the nights of the clock change the slots keep their wall time.
    """

    slot_minutes: Minutes
    #: Seats of each slot.
    capacity: Annotated[int, Field(gt=0, le=10_000)]
    #: Whether there are slots on national holidays and on the comune's patron day too.
    on_holidays: bool = False

    @model_validator(mode="after")
    def _whole_slots(self) -> Self:
        window = (self.to.hour - self.from_.hour) * 60 + self.to.minute - self.from_.minute
        if window % self.slot_minutes:
            raise ValueError(
                f"a window of {window} minutes is not a whole number of slots of {self.slot_minutes}"
            )
        return self

    def overlaps(self, other: AvailabilityRule) -> bool:
        """True if both rules would make a slot at the same time of the same day."""
        return self.shares_a_minute_with(other) and self.shares_a_day_with(other)


class Offering(Strict):
    """A service as one provider offers it in some comuni. All of these comuni share the seats of a slot."""

    slug: Slug
    service: Slug
    provider: Slug
    comuni: Annotated[tuple[Belfiore, ...], Field(min_length=1)]
    #: Where, for a service that happens at the provider's place.
    address: Name | None = None
    #: Where, for a service that happens at a Social Point.
    social_point: Slug | None = None
    #: The provider's own price; only for private services.
    price_cents: Cents | None = None
    availability: Annotated[tuple[AvailabilityRule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        if len(set(self.comuni)) != len(self.comuni):
            raise ValueError("a comune is listed twice")
        return self
