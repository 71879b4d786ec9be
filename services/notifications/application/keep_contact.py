"""identity told how a person can be reached: keep the copy by which notices are sent."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from services.contracts.events.identity import PersonRegistered
from services.notifications.application.contact import ContactSeals
from services.notifications.persistence import contacts


@dataclass(frozen=True, slots=True)
class KeepContact:
    """Inserts or replaces the copy; an event older than what is known changes nothing."""

    seals: ContactSeals

    def __call__(self, connection: sa.Connection, person: PersonRegistered, sequence: int) -> None:
        contact = self.seals.open_event(person.contact_sealed, person.person_id)
        row = contacts.StoredRecipient(
            person_id=person.person_id,
            household_id=person.household_id,
            language=person.language,
            contact=self.seals.seal(contact, person.person_id),
            has_email=bool(contact.email),
        )
        contacts.keep_recipient(connection, row, sequence)
