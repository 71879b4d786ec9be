"""A territory's entries as rows of catalogue's tables."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Any

from services.catalogue.domain.accreditation import WITHOUT_END, Accreditation, Standing
from services.catalogue.domain.pricing import visit_price
from services.contracts.territory import Territory
from services.contracts.territory.catalogue import AvailabilityRule, Offering, PriceUnit, Service
from services.contracts.territory.places import SocialPoint
from services.contracts.territory.providers import (
    Accreditation as RegisterEntry,
)
from services.contracts.territory.providers import (
    AccreditationStatus,
    PattoStatus,
    Provider,
)
from services.contracts.territory.types import Weekday, WeeklyHours

Row = dict[str, Any]

_STANDING = {
    AccreditationStatus.ACCREDITED: Standing.ACCREDITED,
    AccreditationStatus.SUSPENDED: Standing.SUSPENDED,
    AccreditationStatus.REVOKED: Standing.REVOKED,
    AccreditationStatus.WITHDRAWN: Standing.REVOKED,
    AccreditationStatus.EXPIRED: Standing.EXPIRED,
}
_SHORT_DAYS = dict(zip(Weekday, ("lun", "mar", "mer", "gio", "ven", "sab", "dom"), strict=True))


def ambito_row(territory: Territory) -> Row:
    """The ambito's rules as far as they concern catalogue."""
    booking = territory.ambito.rules.booking
    return {
        "id": 1,
        "slug": territory.ambito.slug,
        "zone": territory.ambito.zone,
        "hold_seconds": booking.hold_seconds,
        "slot_horizon_days": booking.slot_horizon_days,
        "cancellation_notice_hours": booking.cancellation_notice_hours,
        "cancellation_notice_skips_holidays": booking.cancellation_notice_skips_holidays,
    }


def comune_rows(territory: Territory) -> list[Row]:
    """The comuni."""
    return [
        {
            "code": comune.belfiore,
            "istat": comune.istat,
            "name": comune.name,
            "cap": comune.cap,
            "patron_month": int(comune.patron.day[:2]),
            "patron_day": int(comune.patron.day[3:]),
        }
        for comune in territory.comuni
    ]


def section_rows(territory: Territory) -> list[Row]:
    """The sections of the register."""
    return [
        {"slug": section.slug, "name_it": section.name.it, "name_en": section.name.en}
        for section in territory.ambito.sections
    ]


def social_point_rows(territory: Territory) -> list[Row]:
    """The Social Points, their hours in words."""
    return [
        {
            "slug": point.slug,
            "name": point.name.it,
            "comune": point.comune,
            "address": point.address,
            "phone": point.phone,
            "opening_hours": _hours_in_words(point),
        }
        for point in territory.social_points
    ]


def _hours_in_words(point: SocialPoint) -> str:
    return "; ".join(
        f"{_days_in_words(window)} {window.from_:%H:%M}–{window.to:%H:%M}" for window in point.opening_hours
    )


def _days_in_words(window: WeeklyHours) -> str:
    """`lun–ven`, or `mar, gio`: three and more days in a row are a range."""
    days = sorted(window.weekdays, key=lambda day: day.iso)
    parts: list[str] = []
    for _, run in groupby(enumerate(days), key=lambda pair: pair[1].iso - pair[0]):
        names = [_SHORT_DAYS[day] for _, day in run]
        parts += [f"{names[0]}–{names[-1]}"] if len(names) > 2 else names
    return ", ".join(parts)


def closure_rows(territory: Territory) -> list[Row]:
    """Days without visits."""
    names = ("first_day", "last_day", "comune", "provider", "social_point")
    return [{name: getattr(closure, name) for name in names} for closure in territory.closures]


def category_rows(territory: Territory) -> list[Row]:
    """The groups of the catalogue."""
    return [
        {"slug": category.slug, "name_it": category.name.it, "name_en": category.name.en}
        for category in territory.categories
    ]


def provider_row(provider: Provider) -> Row:
    """A cooperative without its entries in the register."""
    return {
        "slug": provider.slug,
        "name": provider.name,
        "description_it": provider.description.it,
        "description_en": provider.description.en,
        "email": provider.email,
        "phone": provider.phone,
        "active": True,
    }


def accreditations(provider: Provider) -> list[Accreditation]:
    """A cooperative's entries. Accredited means under an active patto too (L. 328/2000 art. 11; domain notes
    §1.1): without one it is suspended, and the patto's days limit the entry's.
    """
    return [_accreditation(provider.slug, entry) for entry in provider.accreditations]


def _accreditation(provider: str, entry: RegisterEntry) -> Accreditation:
    state = _STANDING[entry.status]
    valid_from, valid_to = entry.valid_from, entry.valid_to or WITHOUT_END
    if state is Standing.ACCREDITED:
        if entry.patto is None or entry.patto.status is not PattoStatus.ACTIVE:
            state = Standing.SUSPENDED
        else:
            begin, end = _common(entry, entry.patto.valid_from, entry.patto.valid_to)
            if begin <= end:
                valid_from, valid_to = begin, end
            else:
                state = Standing.SUSPENDED
    return Accreditation(
        provider=provider, section=entry.section, state=state, valid_from=valid_from, valid_to=valid_to
    )


def _common(entry: RegisterEntry, first: date, last: date | None) -> tuple[date, date]:
    return max(entry.valid_from, first), min(entry.valid_to or WITHOUT_END, last or WITHOUT_END)


def service_row(territory: Territory, service: Service) -> Row:
    """A service; its price is per visit, its keywords are the names of its category and its cooperatives."""
    category = next(c for c in territory.categories if c.slug == service.category)
    cooperatives = {
        territory.provider_by_slug[offering.provider].name
        for offering in territory.offerings
        if offering.service == service.slug
    }
    return {
        "slug": service.slug,
        "category": service.category,
        "section": service.section if service.section and service.kind.value == "accredited" else "",
        "kind": service.kind.value,
        "name_it": service.name.it,
        "name_en": service.name.en,
        "description_it": service.description.it,
        "description_en": service.description.en,
        "target_it": service.target.it,
        "target_en": service.target.en,
        "duration_minutes": service.duration_minutes,
        "price_cents": _price(service, service.price_cents),
        "measures": list(service.measures),
        "keywords": " ".join([category.name.it, category.name.en, *sorted(cooperatives)]),
        "active": True,
    }


def _price(service: Service, cents: int) -> int:
    per_hour = service.price_unit is PriceUnit.HOUR
    return visit_price(cents, per_hour=per_hour, minutes=service.duration_minutes)


def offering_row(territory: Territory, offering: Offering) -> Row:
    """An offering without its hours."""
    service = territory.service_by_slug[offering.service]
    return {
        "id": offering.slug,
        "service": offering.service,
        "provider": offering.provider,
        "comuni": list(offering.comuni),
        "price_cents": None if offering.price_cents is None else _price(service, offering.price_cents),
        "social_point": offering.social_point,
        "active": True,
    }


def rule_rows(offering: Offering) -> list[Row]:
    """An offering's weekly hours."""
    return [_rule_row(offering.slug, rule) for rule in offering.availability]


def _rule_row(offering_id: str, rule: AvailabilityRule) -> Row:
    return {
        "offering_id": offering_id,
        "weekdays": sorted(day.iso for day in rule.weekdays),
        "opens": rule.from_,
        "closes": rule.to,
        "slot_minutes": rule.slot_minutes,
        "capacity": rule.capacity,
        "on_holidays": rule.on_holidays,
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
    }
