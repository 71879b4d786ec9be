"""What the files of a territory say about each other: unknown names, duplicates, overlaps, contradictions.

A check yields `(location, reason)`; a location begins with the top-level key: `("services", 3, "slug")`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from operator import attrgetter
from typing import TypeVar

from services.contracts import access
from services.contracts.territory.catalogue import Offering, Place, Service, ServiceKind
from services.contracts.territory.territory import Territory
from services.contracts.territory.yaml_source import Location

Problem = tuple[Location, str]
_T = TypeVar("_T")


def check_references(territory: Territory) -> Iterator[Problem]:
    """Everything that no single entry can know by itself."""
    yield from _places(territory)
    yield from _funding(territory)
    yield from _providers(territory)
    yield from _services(territory)
    yield from _offerings(territory)
    yield from _accounts(territory)


def _repeated(
    key: str, entries: Sequence[_T], identity: Callable[[_T], Hashable], field: str
) -> Iterator[Problem]:
    """Every entry whose identity an earlier one already has."""
    seen: set[Hashable] = set()
    for index, entry in enumerate(entries):
        value = identity(entry)
        if value in seen:
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            yield (key, index, field), f"{field}: {shown} is already in this file"
        seen.add(value)


def _unknown(
    where: Location, values: Iterable[str | None], known: Container[str], what: str
) -> Iterator[Problem]:
    """Every value that is given but not known; `where` is the place of the value or of its list."""
    for value in values:
        if value is not None and value not in known:
            yield where, f"{where[-1]}: there is no {what} {value!r}"


def _sections(territory: Territory) -> set[str]:
    return {section.slug for section in territory.ambito.sections}


def _places(t: Territory) -> Iterator[Problem]:
    comuni, providers = t.comune_by_belfiore, t.provider_by_slug
    yield from _unknown(("ambito", "capofila"), [t.ambito.capofila], comuni, "comune")
    for index, section in enumerate(t.ambito.sections):
        if section.slug in {earlier.slug for earlier in t.ambito.sections[:index]}:
            yield ("ambito", "sections", index, "slug"), f"slug: {section.slug} is already in this file"
    for field in ("belfiore", "istat", "name"):
        yield from _repeated("comuni", t.comuni, attrgetter(field), field)
    yield from _repeated("social_points", t.social_points, lambda point: point.slug, "slug")
    for index, point in enumerate(t.social_points):
        here = ("social_points", index)
        yield from _unknown((*here, "comune"), [point.comune], comuni, "comune")
        yield from _unknown((*here, "provider"), [point.provider], providers, "provider")
        for (_, first), (number, second) in combinations(enumerate(point.opening_hours), 2):
            if first.shares_a_minute_with(second):
                yield (*here, "opening_hours", number), "opening_hours: overlaps another window above"
    points = {point.slug for point in t.social_points}
    for index, closure in enumerate(t.closures):
        here = ("closures", index)
        yield from _unknown((*here, "comune"), [closure.comune], comuni, "comune")
        yield from _unknown((*here, "provider"), [closure.provider], providers, "provider")
        yield from _unknown((*here, "social_point"), [closure.social_point], points, "Social Point")


def _funding(t: Territory) -> Iterator[Problem]:
    comuni, measures, sections = t.comune_by_belfiore, t.measure_by_slug, _sections(t)
    funds = {fund.slug for fund in t.funds}
    yield from _repeated("funds", t.funds, lambda fund: fund.slug, "slug")
    yield from _repeated("measures", t.measures, lambda measure: measure.slug, "slug")
    yield from _repeated("budgets", t.budgets, lambda b: (b.comune, b.fund, b.year), "year")
    for index, measure in enumerate(t.measures):
        here = ("measures", index)
        yield from _unknown((*here, "fund"), [measure.fund], funds, "fund")
        yield from _unknown((*here, "sections"), measure.sections, sections, "section")
        yield from _unknown((*here, "incompatible_with"), measure.incompatible_with, measures, "measure")
        if measure.slug in measure.incompatible_with:
            yield (*here, "incompatible_with"), "incompatible_with: a measure cannot exclude itself"
    for index, budget in enumerate(t.budgets):
        yield from _unknown(("budgets", index, "comune"), [budget.comune], comuni, "comune")
        yield from _unknown(("budgets", index, "fund"), [budget.fund], funds, "fund")
    for index, table in enumerate(t.isee_tables):
        here = ("isee_tables", index)
        yield from _unknown((*here, "comune"), [table.comune], comuni, "comune")
        yield from _unknown((*here, "section"), [table.section], sections, "section")
        same_scope = (
            e for e in t.isee_tables[:index] if (e.comune, e.section) == (table.comune, table.section)
        )
        if any(earlier.shares_a_day_with(table) for earlier in same_scope):
            reason = f"another table of {table.comune} for {table.section} holds on the same days"
            yield (*here, "valid_from"), f"valid_from: {reason}"


def _providers(t: Territory) -> Iterator[Problem]:
    sections = _sections(t)
    for field in ("slug", "vat_number", "name"):
        yield from _repeated("providers", t.providers, attrgetter(field), field)
    for index, provider in enumerate(t.providers):
        here = ("providers", index)
        yield from _unknown((*here, "comuni_served"), provider.comuni_served, t.comune_by_belfiore, "comune")
        for number, entry in enumerate(provider.accreditations):
            place = (*here, "accreditations", number)
            yield from _unknown((*place, "section"), [entry.section], sections, "section")
            for earlier in provider.accreditations[:number]:
                if earlier.section == entry.section and earlier.shares_a_day_with(entry):
                    yield (
                        (*place, "valid_from"),
                        f"valid_from: overlaps another entry in section {entry.section}",
                    )


def _services(t: Territory) -> Iterator[Problem]:
    categories = {category.slug for category in t.categories}
    sections = _sections(t)
    yield from _repeated("categories", t.categories, lambda category: category.slug, "slug")
    yield from _repeated("services", t.services, lambda service: service.slug, "slug")
    for index, service in enumerate(t.services):
        here = ("services", index)
        yield from _unknown((*here, "category"), [service.category], categories, "category")
        yield from _unknown((*here, "section"), [service.section], sections, "section")
        yield from _unknown((*here, "measures"), service.measures, t.measure_by_slug, "measure")
        for slug in service.measures:
            measure = t.measure_by_slug.get(slug)
            if measure is not None and service.section not in measure.sections:
                yield (*here, "measures"), f"measures: {slug} pays nothing in section {service.section}"


def _offerings(t: Territory) -> Iterator[Problem]:
    yield from _repeated("offerings", t.offerings, lambda offering: offering.slug, "slug")
    taken: set[tuple[str, str, str]] = set()
    for index, offering in enumerate(t.offerings):
        here = ("offerings", index)
        yield from _unknown((*here, "service"), [offering.service], t.service_by_slug, "service")
        yield from _unknown((*here, "provider"), [offering.provider], t.provider_by_slug, "provider")
        yield from _unknown((*here, "comuni"), offering.comuni, t.comune_by_belfiore, "comune")
        service = t.service_by_slug.get(offering.service)
        if service is not None:
            yield from _place_and_price(t, here, offering, service)
            yield from _competence(t, here, offering, service)
        yield from _slots(here, offering, service)
        for comune in offering.comuni:
            if (offering.service, offering.provider, comune) in taken:
                yield (*here, "comuni"), f"comuni: {comune} already has this service of this provider"
            taken.add((offering.service, offering.provider, comune))


def _place_and_price(t: Territory, here: Location, offering: Offering, service: Service) -> Iterator[Problem]:
    if (offering.address is not None) != (service.place is Place.PROVIDER):
        yield (*here, "address"), "address: belongs to services at the provider's place, and only to them"
    if (offering.social_point is not None) != (service.place is Place.SOCIAL_POINT):
        yield (*here, "social_point"), "social_point: belongs to services at a Social Point, and only to them"
    points = {point.slug: point for point in t.social_points}
    yield from _unknown((*here, "social_point"), [offering.social_point], points, "Social Point")
    point = points.get(offering.social_point or "")
    if point is not None and point.provider != offering.provider:
        yield (*here, "provider"), f"provider: {point.slug} is run by {point.provider}"
    if offering.price_cents is not None and service.kind is not ServiceKind.PRIVATE:
        yield (*here, "price_cents"), "price_cents: only private services have prices of their providers"


def _competence(t: Territory, here: Location, offering: Offering, service: Service) -> Iterator[Problem]:
    provider = t.provider_by_slug.get(offering.provider)
    if provider is None:
        return
    for comune in offering.comuni:
        if comune not in provider.comuni_served:
            yield (*here, "comuni"), f"comuni: {provider.slug} does not serve {comune}"
    if service.kind is ServiceKind.ACCREDITED and service.section not in {
        entry.section for entry in provider.accreditations
    }:
        yield (*here, "provider"), f"provider: {provider.slug} never was in section {service.section}"


def _slots(here: Location, offering: Offering, service: Service | None) -> Iterator[Problem]:
    for number, rule in enumerate(offering.availability):
        place = (*here, "availability", number)
        if service is not None and rule.slot_minutes < service.duration_minutes:
            reason = f"{rule.slot_minutes} is shorter than the service ({service.duration_minutes})"
            yield (*place, "slot_minutes"), f"slot_minutes: {reason}"
        if any(rule.overlaps(earlier) for earlier in offering.availability[:number]):
            yield (*place, "from"), "from: overlaps another rule of this offering above"


def _accounts(t: Territory) -> Iterator[Problem]:
    yield from _repeated("staff", t.staff, lambda account: account.login, "login")
    yield from _repeated("staff", t.staff, lambda account: account.email, "email")
    yield from _repeated("api_clients", t.api_clients, lambda client: client.client_id, "client_id")
    yield from _repeated("api_clients", t.api_clients, lambda client: client.provider, "provider")
    scopes: dict[str, Container[str]] = {
        access.SOCIAL_POINT_OPERATOR: {point.slug for point in t.social_points},
        access.SOCIAL_WORKER: t.comune_by_belfiore,
        access.COMUNE_OFFICER: t.comune_by_belfiore,
        access.PLAN_OFFICE: {t.ambito.slug},
        access.PROVIDER_STAFF: t.provider_by_slug,
    }
    for index, account in enumerate(t.staff):
        for number, role in enumerate(account.roles):
            name, _, scope = role.partition(":")
            if name not in scopes:
                yield ("staff", index, "roles", number), f"roles: {name!r} is no role of staff"
            elif scope not in scopes[name]:
                yield ("staff", index, "roles", number), f"roles: {scope!r} is no scope of {name}"
    for index, client in enumerate(t.api_clients):
        yield from _unknown(
            ("api_clients", index, "provider"), [client.provider], t.provider_by_slug, "provider"
        )
