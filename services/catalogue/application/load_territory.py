"""Load a territory: make the catalogue what the folder says, and tell the others what that changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from services.catalogue.application import territory_rows as rows_of
from services.catalogue.application.publish import publish_provider, publish_service
from services.catalogue.domain.spelling import words
from services.catalogue.persistence import tables
from services.catalogue.persistence.accreditations import load_entries
from services.catalogue.persistence.loading import (
    put,
    replace_closures,
    replace_rules,
    replace_search_words,
    retire,
)
from services.catalogue.persistence.search import searchable_texts
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.contracts.territory import Territory


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many entries were new or different."""

    places: int
    providers: int
    services: int
    offerings: int


def load_territory(database: Database, clock: Clock, territory: Territory) -> Loaded:
    """All of it or nothing. Loading the same again changes nothing and emits nothing.

    What the folder no longer has is retired, not deleted: bookings refer to it. Decisions of the plan office
    about accreditations stay.
    """
    now = clock.now()
    with database.transaction() as connection:
        places = _load_places(connection, territory)
        providers = _load_providers(connection, territory, now)
        services = _load_services(connection, territory, now)
        offerings = _load_offerings(connection, territory)
        vocabulary = {word for text in searchable_texts(connection) for word in words(text)}
        replace_search_words(connection, sorted(vocabulary))
    return Loaded(places, providers, services, offerings)


def _load_places(connection: sa.Connection, territory: Territory) -> int:
    changed = len(put(connection, tables.ambito, [rows_of.ambito_row(territory)]))
    changed += len(put(connection, tables.comune, rows_of.comune_rows(territory)))
    changed += len(put(connection, tables.section, rows_of.section_rows(territory)))
    changed += len(put(connection, tables.social_point, rows_of.social_point_rows(territory)))
    changed += len(put(connection, tables.category, rows_of.category_rows(territory)))
    return changed + replace_closures(connection, rows_of.closure_rows(territory))


def _load_providers(connection: sa.Connection, territory: Territory, now: datetime) -> int:
    slugs = [provider.slug for provider in territory.providers]
    changed = set(put(connection, tables.provider, [rows_of.provider_row(p) for p in territory.providers]))
    changed |= set(retire(connection, tables.provider, slugs))
    for provider in territory.providers:
        entries = load_entries(connection, provider.slug, rows_of.accreditations(provider))
        if entries and provider.slug not in changed:
            _count_version(connection, provider.slug)
            changed.add(provider.slug)
    for slug in sorted(changed):
        publish_provider(connection, slug, now)
    return len(changed)


def _count_version(connection: sa.Connection, slug: str) -> None:
    table = tables.provider
    connection.execute(sa.update(table).where(table.c.slug == slug).values(version=table.c.version + 1))


def _load_services(connection: sa.Connection, territory: Territory, now: datetime) -> int:
    slugs = [service.slug for service in territory.services]
    rows = [rows_of.service_row(territory, service) for service in territory.services]
    changed = put(connection, tables.service, rows) + retire(connection, tables.service, slugs)
    for slug in sorted(changed):
        publish_service(connection, slug, now)
    return len(changed)


def _load_offerings(connection: sa.Connection, territory: Territory) -> int:
    slugs = [offering.slug for offering in territory.offerings]
    rows = [rows_of.offering_row(territory, offering) for offering in territory.offerings]
    changed = set(put(connection, tables.offering, rows)) | set(retire(connection, tables.offering, slugs))
    rules = {offering.slug: rows_of.rule_rows(offering) for offering in territory.offerings}
    return len(changed | set(replace_rules(connection, rules)))
