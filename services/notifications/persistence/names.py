"""This service's own copy of the names of cooperatives."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.notifications.persistence.tables import provider_name


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


def provider_names(connection: sa.Connection, providers: Collection[str]) -> dict[str, str]:
    """Slug → name, of those that are known."""
    query = sa.select(provider_name.c.provider, provider_name.c.name).where(
        provider_name.c.provider.in_(providers)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
