"""measures.yaml, budgets.yaml, isee_bands.yaml: what pays for services, how much, and the citizens' share."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.contracts.forms import Belfiore, Slug
from services.contracts.territory.types import (
    Cents,
    Localised,
    Name,
    Percent,
    PositiveCents,
    Strict,
    Text,
    Validity,
)


class Fund(Strict):
    """A source of public money."""

    slug: Slug
    name: Localised


class Budget(Strict):
    """What one comune may commit out of one fund in one calendar year."""

    comune: Belfiore
    fund: Slug
    year: Annotated[int, Field(ge=2000, le=2100)]
    cents: Cents


class Unit(StrEnum):
    """What a voucher of a measure counts."""

    MINUTES = "minutes"
    CENTS = "cents"


class Beneficiaries(StrEnum):
    """To whom a cap applies."""

    EVERYONE = "everyone"
    ADULTS = "adults"
    MINORS = "minors"


class IseeKind(StrEnum):
    """Which ISEE a rule asks for (D.P.C.M. 159/2013)."""

    ORDINARIO = "ordinario"
    SOCIOSANITARIO = "sociosanitario"
    MINORENNI = "minorenni"


class Cap(Strict):
    """Limits of a measure for a group of beneficiaries."""

    beneficiaries: Beneficiaries
    isee_kind: IseeKind | None = None
    isee_maximum_cents: PositiveCents | None = None
    #: In the measure's unit.
    monthly_maximum: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _ceiling_names_its_isee(self) -> Self:
        if self.isee_maximum_cents is not None and self.isee_kind is None:
            raise ValueError("an ISEE ceiling names its isee_kind")
        return self


class RuleText(Strict):
    """A rule as a person reads it, and where it comes from."""

    text: Localised
    source: Text


class Measure(Strict):
    """A public measure out of which vouchers are issued."""

    slug: Slug
    name: Localised
    fund: Slug
    unit: Unit
    #: What one hour of a voucher in minutes commits of the budget; absent for vouchers in cents.
    hourly_tariff_cents: PositiveCents | None = None
    sections: Annotated[tuple[Slug, ...], Field(min_length=1)]
    valid_from: date
    valid_to: date | None = None
    caps: Annotated[tuple[Cap, ...], Field(min_length=1)]
    incompatible_with: tuple[Slug, ...] = ()
    #: Whether units not used during a suspension come back.
    suspended_units_recoverable: bool = False
    #: Whether the beneficiary pays a share by ISEE band.
    copay: bool = False
    rules: Annotated[tuple[RuleText, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.unit is Unit.MINUTES) != (self.hourly_tariff_cents is not None):
            raise ValueError("hourly_tariff_cents belongs to measures in minutes, and only to them")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(f"valid_to {self.valid_to} is before valid_from {self.valid_from}")
        groups = [cap.beneficiaries for cap in self.caps]
        if len(set(groups)) != len(groups) or (Beneficiaries.EVERYONE in groups and len(groups) > 1):
            raise ValueError("the caps overlap: either everyone, or adults and minors once each")
        return self


class _Table(Validity):
    """What the two kinds of ISEE table share: one comune, one section, one period."""

    comune: Belfiore
    section: Slug
    source: Name


class PercentageBand(Strict):
    """Up to and including this ISEE the citizen pays this share of the tariff; null: every higher ISEE."""

    up_to_cents: Cents | None
    percent: Percent


class PercentageTable(_Table):
    """The citizen pays a percentage of the tariff, constant within a band."""

    kind: Literal["percentage"]
    bands: Annotated[tuple[PercentageBand, ...], Field(min_length=1)]
    without_isee_percent: Percent

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        check_band_limits([band.up_to_cents for band in self.bands])
        return self


class HourlyBand(Strict):
    """The citizen's hourly share grows in a straight line from the band's lower to its upper limit."""

    up_to_cents: Cents | None
    from_cents: Cents
    to_cents: Cents

    @model_validator(mode="after")
    def _not_falling(self) -> Self:
        if self.to_cents < self.from_cents:
            raise ValueError("the share falls within the band")
        if self.up_to_cents is None and self.to_cents != self.from_cents:
            raise ValueError("the last band has no upper limit, so its share must be constant")
        return self


class HourlyTable(_Table):
    """The citizen pays an amount per hour, linear in the ISEE within a band."""

    kind: Literal["hourly"]
    bands: Annotated[tuple[HourlyBand, ...], Field(min_length=1)]
    without_isee_cents: Cents
    #: Whether two operators at once cost the share twice.
    times_operators: bool = False

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        check_band_limits([band.up_to_cents for band in self.bands])
        return self


IseeTable = Annotated[PercentageTable | HourlyTable, Field(discriminator="kind")]


def check_band_limits(limits: list[int | None]) -> None:
    """Bands ascend and only the last one is open; otherwise a ValueError says what is wrong."""
    if limits[-1] is not None:
        raise ValueError("the last band must be open (up_to_cents: null)")
    closed = limits[:-1]
    if any(limit is None for limit in closed):
        raise ValueError("only the last band may be open (up_to_cents: null)")
    if any(low >= high for low, high in pairwise(limit for limit in closed if limit is not None)):
        raise ValueError("the bands do not ascend")
