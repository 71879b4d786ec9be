"""Find out why a slot could not be booked."""

from __future__ import annotations

from uuid import UUID

from services.catalogue.domain.bookable import full, why_not_bookable
from services.catalogue.domain.refusals import SlotFull
from services.catalogue.persistence.slot_facts import alternatives, slot_facts
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.refusal import Refusal


class WhyNotBookable:
    """The exact reason, a full slot's with slots to take instead; None if the slot could be booked by now."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(self, slot_id: UUID, person_id: UUID) -> Refusal | None:
        now = self._clock.now()
        with self._database.read() as connection:
            facts = slot_facts(connection, slot_id, person_id)
            reason = why_not_bookable(facts, now)
            if facts is not None and facts.comune is not None and isinstance(reason, SlotFull):
                return full(alternatives(connection, slot_id, facts.comune, now))
            return reason
