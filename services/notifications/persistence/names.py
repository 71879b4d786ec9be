"""This service's own copy of the names of services and cooperatives."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.chassis.refusal import Language
from services.notifications.persistence.tables import provider_name, service_name


def keep_service(connection: sa.Connection, service: str, name_it: str, name_en: str, sequence: int) -> None:
    """Inserts or replaces a service's names, unless those there come from a newer event."""
    values = {"name_it": name_it, "name_en": name_en, "sequence": sequence}
    connection.execute(
        insert(service_name)
        .values(service=service, **values)
        .on_conflict_do_update(
            index_elements=[service_name.c.service], set_=values, where=service_name.c.sequence < sequence
        )
    )


def keep_provider(connection: sa.Connection, provider: str, name: str, sequence: int) -> None:
    """Inserts or replaces a cooperative's name, unless the one there comes from a newer event."""
    values = {"name": name, "sequence": sequence}
    connection.execute(
        insert(provider_name)
        .values(provider=provider, **values)
        .on_conflict_do_update(
            index_elements=[provider_name.c.provider], set_=values, where=provider_name.c.sequence < sequence
        )
    )


def service_names(connection: sa.Connection, services: Collection[str], language: Language) -> dict[str, str]:
    """Slug → name in `language`, of those that are known."""
    name = service_name.c.name_it if language == "it" else service_name.c.name_en
    query = sa.select(service_name.c.service, name).where(service_name.c.service.in_(services))
    return {row[0]: row[1] for row in connection.execute(query)}


def provider_names(connection: sa.Connection, providers: Collection[str]) -> dict[str, str]:
    """Slug → name, of those that are known."""
    query = sa.select(provider_name.c.provider, provider_name.c.name).where(
        provider_name.c.provider.in_(providers)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
