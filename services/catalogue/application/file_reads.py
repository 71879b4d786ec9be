"""Who was shown bookings of somebody else: told to identity, which shows it to the person."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from services.catalogue.application import access
from services.catalogue.domain.booking import Booking
from services.catalogue.persistence.tables import outbox
from services.chassis.caller import Caller
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.messaging.event import Event
from services.contracts.events.base import routing_key
from services.contracts.events.catalogue import CatalogueFileRead


def reading(database: Database, caller: Caller) -> AbstractContextManager[sa.Connection]:
    """The transaction of a read: one that can be written in only for whose reads may have to be told."""
    return database.transaction() if access.is_of_an_office(caller) else database.read()


def tell_reads(
    connection: sa.Connection, caller: Caller, shown: Iterable[Booking], *, operation: str, now: datetime
) -> None:
    """One event for each person of whom a booking is shown, in the transaction of the read.

    None for the caller's own bookings, those that were delegated to her, and a cooperative's own.
    """
    roles = {
        booking.person_id: role for booking in shown if (role := access.reads_as(caller, booking)) is not None
    }
    events = [_event(caller, person, role, operation, now) for person, role in roles.items()]
    outbox.add(connection, *events)


def _event(caller: Caller, person: UUID, role: str, operation: str, now: datetime) -> Event:
    data = CatalogueFileRead(person_id=person, reader=caller.subject, role=role, operation=operation, at=now)
    return Event(
        type=data.event_type(),
        subject=str(new_id()),
        sequence=1,
        occurred_at=now,
        routing_key=routing_key(CatalogueFileRead),
        public=data.public,
        data=data.to_json(),
    )
