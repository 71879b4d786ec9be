"""Show the cooperatives with their entries in the register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.catalogue.persistence.catalogue_reads import accreditation_rows, provider_rows
from services.chassis.database import Database
from services.chassis.refusal import NotFound


@dataclass(frozen=True, slots=True)
class ShownProvider:
    """A cooperative and its entries."""

    provider: sa.Row[Any]
    accreditations: list[sa.Row[Any]]


def list_providers(database: Database, slug: str | None = None) -> list[ShownProvider]:
    """All cooperatives by name, or the one of that slug; NotFound if there is none."""
    with database.read() as connection:
        providers = provider_rows(connection, slug)
        entries = accreditation_rows(connection, slug)
    if slug is not None and not providers:
        raise NotFound(what="provider", field="provider")
    return [
        ShownProvider(row, [entry for entry in entries if entry.provider == row.slug]) for row in providers
    ]
