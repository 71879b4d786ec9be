"""API clients as the operations team sees them, and the cooperatives whose clients may not sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.identity.persistence.tables import api_client, disabled_provider


@dataclass(frozen=True, slots=True)
class KnownClient:
    """An API client; `disabled_since` is its cooperative's."""

    client_id: str
    provider: str
    is_open: bool
    disabled_since: datetime | None


def known_clients(connection: sa.Connection) -> list[KnownClient]:
    """All, those that are closed too, by cooperative and name."""
    query = (
        sa.select(api_client, disabled_provider.c.since)
        .outerjoin(disabled_provider, disabled_provider.c.provider == api_client.c.provider)
        .order_by(api_client.c.provider, api_client.c.client_id)
    )
    return [
        KnownClient(row.client_id, row.provider, row.closed_at is None, row.since)
        for row in connection.execute(query)
    ]


def disable_provider(connection: sa.Connection, provider: str, since: datetime) -> bool:
    """No client of the cooperative may sign in; False if that was so already."""
    statement = insert(disabled_provider).values(provider=provider, since=since).on_conflict_do_nothing()
    return connection.execute(statement.returning(disabled_provider.c.provider)).first() is not None


def enable_provider(connection: sa.Connection, provider: str) -> bool:
    """Its clients may sign in again; False if they could."""
    statement = sa.delete(disabled_provider).where(disabled_provider.c.provider == provider)
    return connection.execute(statement).rowcount == 1
