"""Keep the comune of residence of every person, as identity tells it."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from services.catalogue.persistence.persons import remember
from services.chassis.messaging.received import Received
from services.contracts.events.identity import PersonContactChanged, PersonRegistered

EVENT_TYPES: Final = frozenset({PersonRegistered.event_type(), PersonContactChanged.event_type()})


def remember_person(connection: sa.Connection, message: Received) -> None:
    """Stores what the event says, unless a newer event was here before it."""
    data = message.parse(PersonRegistered)  # the other type has the same fields
    remember(connection, data.person_id, data.comune, message.sequence)
