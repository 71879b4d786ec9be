"""ambito.yaml: who the ambito is, and the rules that its own regulation decides."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from services.contracts.forms import Belfiore, Slug
from services.contracts.territory.types import Email, Localised, MonthDay, Name, Percent, Phone, Strict


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not an IANA time zone")
    return name


class Payer(StrEnum):
    """Who bears a visit that was booked but not delivered."""

    VOUCHER = "voucher"  # the hours count as consumed
    CITIZEN = "citizen"  # the citizen pays the provider
    PROVIDER = "provider"  # nobody pays; the hours go back


class InterimTariff(StrEnum):
    """Which share a citizen pays between the end of an ISEE and the deadline for the next one."""

    PREVIOUS = "previous"
    MAXIMUM = "maximum"


class BookingRules(Strict):
    """Holds, cancellation and proof of a visit."""

    hold_seconds: Annotated[int, Field(ge=10, le=3600)] = 120
    slot_horizon_days: Annotated[int, Field(ge=1, le=366)] = 60
    cancellation_notice_hours: Annotated[int, Field(ge=0, le=720)] = 24
    #: True: hours of Sundays, holidays and the comune's own holiday do not count towards the notice.
    cancellation_notice_skips_holidays: bool = True
    late_cancellation_paid_by: Payer = Payer.VOUCHER
    missed_visit_paid_by: Payer = Payer.VOUCHER
    #: After so long a visit that the citizen neither confirmed nor disputed counts as verified.
    verification_timeout_hours: Annotated[int, Field(ge=1, le=8760)] = 120


class VoucherRules(Strict):
    """Issue, suspension and change of provider."""

    maker_checker: bool = True
    maximum_suspension_days: Annotated[int, Field(ge=1, le=366)] = 90
    provider_change_notice_days: Annotated[int, Field(ge=0, le=180)] = 7
    provider_change_minimum_interval_days: Annotated[int, Field(ge=0, le=366)] = 30


class IseeRules(Strict):
    """The life of an ISEE attestation inside the year."""

    expires_on: MonthDay = "12-31"
    renewal_deadline: MonthDay = "03-31"
    interim_tariff: InterimTariff = InterimTariff.PREVIOUS


class SettlementRules(Strict):
    """The monthly statements of the providers."""

    advance_payment_percent: Percent = 50
    contest_days: Annotated[int, Field(ge=1, le=180)] = 15


class RetentionRules(Strict):
    """How long which data are kept."""

    accounting_years: Annotated[int, Field(ge=1, le=50)] = 10
    bookings_months: Annotated[int, Field(ge=1, le=600)] = 24
    access_log_months: Annotated[int, Field(ge=1, le=600)] = 24


class Rules(Strict):
    """Everything that law leaves to the ambito's own regulation. Absent rules take the defaults above."""

    booking: BookingRules = BookingRules()
    vouchers: VoucherRules = VoucherRules()
    isee: IseeRules = IseeRules()
    settlement: SettlementRules = SettlementRules()
    retention: RetentionRules = RetentionRules()
    complaint_answer_days: Annotated[int, Field(ge=1, le=365)] = 30


class Section(Strict):
    """A section of the ambito's register of accredited providers (Albo)."""

    slug: Slug
    name: Localised


class Ambito(Strict):
    """The territory as such."""

    slug: Slug
    name: Localised
    zone: Annotated[str, AfterValidator(_known_zone)]
    #: The comune that hosts the plan office (ente capofila).
    capofila: Belfiore
    portal_name: Name
    email: Email
    phone: Phone
    sections: Annotated[tuple[Section, ...], Field(min_length=1)]
    rules: Rules = Rules()

    @property
    def zone_info(self) -> ZoneInfo:
        """The zone in which all rules of local time are to be read."""
        return ZoneInfo(self.zone)
