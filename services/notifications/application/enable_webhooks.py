"""The operations team lets a cooperative's webhooks go on."""

from __future__ import annotations

from services.chassis.database import Database
from services.notifications.persistence import providers


def enable_webhooks(database: Database, provider: str) -> bool:
    """Its endpoints get what happens from now on. False if they did already."""
    with database.transaction() as connection:
        return providers.enable(connection, provider)
