"""Who was shown plans and vouchers of somebody else: told to identity, which shows it to the person."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.messaging.event import Event
from services.chassis.messaging.outbox import Outbox
from services.contracts.events.base import routing_key
from services.contracts.events.vouchers import VouchersFileRead
from services.vouchers.application import access
from services.vouchers.domain.plan import Plan
from services.vouchers.domain.voucher import Voucher


def reading(database: Database, caller: Caller) -> AbstractContextManager[Connection]:
    """The transaction of a read: one that can be written in only for whose reads may have to be told."""
    return database.transaction() if access.is_of_an_office(caller) else database.read()


@dataclass(frozen=True, slots=True)
class FileReads:
    """Writes events of reads."""

    outbox: Outbox
    clock: Clock

    def tell(
        self, connection: Connection, caller: Caller, shown: Iterable[Plan | Voucher], *, operation: str
    ) -> None:
        """One event for each person of whom something is shown, in the transaction of the read; none for the
        caller's own matters and those that were delegated to her.
        """
        roles = {
            each.person_id: role
            for each in shown
            if (role := access.reads_as(caller, each.person_id, each.comune)) is not None
        }
        events = [self._event(caller, person, role, operation) for person, role in roles.items()]
        self.outbox.add(connection, *events)

    def _event(self, caller: Caller, person: UUID, role: str, operation: str) -> Event:
        now = self.clock.now()
        data = VouchersFileRead(
            person_id=person, reader=caller.subject, role=role, operation=operation, at=now
        )
        return Event(
            type=data.event_type(),
            subject=str(new_id()),
            sequence=1,
            occurred_at=now,
            routing_key=routing_key(VouchersFileRead),
            public=data.public,
            data=data.to_json(),
        )
