"""The operations team opens the door to the systems of a cooperative again."""

from __future__ import annotations

from services.chassis.database import Database
from services.identity.persistence import clients


def enable_clients(database: Database, provider: str) -> bool:
    """Its API clients may sign in with the secrets they have. False if they could already."""
    with database.transaction() as connection:
        return clients.enable_provider(connection, provider)
