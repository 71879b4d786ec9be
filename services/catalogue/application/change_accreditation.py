"""Change an entry in the register: the plan office grants, suspends, resumes or revokes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from services.catalogue.application.publish import publish_provider
from services.catalogue.domain.accreditation import Accreditation, Standing, changed
from services.catalogue.persistence.accreditations import (
    bookings_outside,
    decide,
    entries_of,
    lock_provider,
)
from services.catalogue.persistence.tables import ambito, provider, section
from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.refusal import Forbidden, InvalidField, NotFound
from services.contracts import access


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAccreditationCommand:
    """Days left out stay as they were."""

    provider: str
    section: str
    state: Standing
    valid_from: date | None
    valid_to: date | None
    reason: str


class ChangeAccreditation:
    """The entry as it is now, and how many visits to come, held or confirmed, it no longer allows. Those are
    not cancelled; one that is still held is refused, unless it is being confirmed at this moment.

    New bookings follow it from the next one on. The same change again changes nothing and tells nobody.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(self, command: ChangeAccreditationCommand, caller: Caller) -> tuple[Accreditation, int]:
        caller.require_known()
        now = self._clock.now()
        with self._database.transaction() as connection:
            office = connection.execute(sa.select(ambito.c.slug)).scalar()
            if office is None or not caller.has(access.PLAN_OFFICE, office):
                raise Forbidden
            if lock_provider(connection, command.provider) is None:
                raise NotFound(what="provider", field="provider")
            _check_section(connection, command.section)
            old, new = changed(
                entries_of(connection, command.provider),
                provider=command.provider,
                section=command.section,
                state=command.state,
                valid_from=command.valid_from,
                valid_to=command.valid_to,
            )
            if new != old:
                decide(connection, old, new, reason=command.reason, by=caller.subject, now=now)
                connection.execute(
                    sa.update(provider)
                    .where(provider.c.slug == command.provider)
                    .values(version=provider.c.version + 1)
                )
                publish_provider(connection, command.provider, now)
            affected = bookings_outside(
                connection,
                command.provider,
                command.section,
                entries_of(connection, command.provider),
                now,
            )
            return new, affected


def _check_section(connection: sa.Connection, slug: str) -> None:
    if connection.execute(sa.select(section.c.slug).where(section.c.slug == slug)).first() is None:
        raise InvalidField(
            field="section",
            it="Questa sezione non esiste nell'albo.",
            en="There is no such section in the register.",
        )
