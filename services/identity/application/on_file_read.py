"""Another service showed somebody data of a person: she sees that beside the looks at her file here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from services.chassis.messaging.received import PermanentFailure, Received
from services.contracts.events.catalogue import CatalogueFileRead
from services.contracts.events.files import FileRead
from services.contracts.events.vouchers import VouchersFileRead
from services.identity.persistence import persons, reads
from services.identity.persistence.personal_data import PersonalData

EVENT_TYPES: Final = frozenset({CatalogueFileRead.event_type(), VouchersFileRead.event_type()})


@dataclass(frozen=True, slots=True)
class OnFileRead:
    """Writes reads down."""

    data: PersonalData

    def __call__(self, connection: sa.Connection, message: Received) -> None:
        """Record the read under the event's id. PermanentFailure if nobody here is the person."""
        told = message.parse(FileRead)  # both types have its fields
        if not persons.exists(connection, told.person_id):
            raise PermanentFailure(f"person {told.person_id} is not registered")
        read = reads.ReadRecord(
            at=told.at, reader=told.reader, role=told.role, operation=told.operation, reason=""
        )
        reads.record(connection, self.data, id=message.id, person_id=told.person_id, read=read)
