"""The recorded seeds of the order in which cooperatives are shown."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.catalogue.persistence.tables import display_seed
from services.chassis.database import Database


def seed_for(database: Database, service: str, period: datetime) -> str:
    """The seed of `service` from `period` on; the first who asks draws it, and it stays on record."""
    wanted = (display_seed.c.service == service, display_seed.c.period == period)
    with database.read() as connection:
        known: str | None = connection.execute(sa.select(display_seed.c.seed).where(*wanted)).scalar()
    if known is not None:
        return known
    drawn = insert(display_seed).values(service=service, period=period, seed=secrets.token_hex(16))
    with database.transaction() as connection:
        connection.execute(drawn.on_conflict_do_nothing())
        seed: str = connection.execute(sa.select(display_seed.c.seed).where(*wanted)).scalar_one()
        return seed
