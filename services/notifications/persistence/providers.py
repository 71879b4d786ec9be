"""Cooperatives to whose webhooks nothing is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.notifications.persistence.tables import disabled_provider


def is_disabled(provider: sa.ColumnElement[str] | sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Whether the cooperative of a row is disabled, as a condition."""
    return sa.exists().where(disabled_provider.c.provider == provider)


def disabled_providers(connection: sa.Connection) -> dict[str, datetime]:
    """Each that is disabled, and since when."""
    return {row.provider: row.since for row in connection.execute(sa.select(disabled_provider))}


def disable(connection: sa.Connection, provider: str) -> bool:
    """From the transaction's end nothing is queued or claimed for it; False if that was so already."""
    statement = insert(disabled_provider).values(provider=provider).on_conflict_do_nothing()
    return connection.execute(statement.returning(disabled_provider.c.provider)).first() is not None


def enable(connection: sa.Connection, provider: str) -> bool:
    """Its endpoints are as they were; False if it was not disabled."""
    statement = sa.delete(disabled_provider).where(disabled_provider.c.provider == provider)
    return connection.execute(statement).rowcount == 1
