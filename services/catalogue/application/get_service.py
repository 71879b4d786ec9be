"""Show a service with the cooperatives that offer it, none of them first by merit of its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.catalogue.domain.neutrality import seed_period, shown_order
from services.catalogue.persistence.catalogue_reads import offering_rows, service_row
from services.catalogue.persistence.display_seeds import seed_for
from services.catalogue.persistence.rules import rules
from services.chassis.clock import Clock
from services.chassis.database import Database


@dataclass(frozen=True, slots=True)
class ShownService:
    """A service, its offerings in the order of `seed`, and the seed."""

    service: sa.Row[Any]
    offerings: list[sa.Row[Any]]
    seed: str


class GetService:
    """The service and those who offer it today, accredited where needed. NotFound for an unknown one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(self, slug: str) -> ShownService:
        now = self._clock.now()
        with self._database.read() as connection:
            service = service_row(connection, slug)
            today = now.astimezone(rules(connection).zone).date()
            offerings = {row.id: row for row in offering_rows(connection, slug, today)}
        seed = seed_for(self._database, slug, seed_period(now))
        return ShownService(service, [offerings[key] for key in shown_order(seed, offerings)], seed)
