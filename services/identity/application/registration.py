"""What both ways of registering have in common."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from services.identity.application.events import tell_person_registered
from services.identity.application.parts import Parts
from services.identity.domain.person import AlreadyRegistered, ComuneNotInAmbito, PersonDetails
from services.identity.persistence import persons
from services.identity.persistence.persons import PersonRecord, Registration


def write_person(
    parts: Parts, connection: sa.Connection, id: UUID, details: PersonDetails, registration: Registration
) -> None:
    """Write a new person and tell of her.

    :raises ComuneNotInAmbito: she lives elsewhere
    :raises AlreadyRegistered: somebody has her codice fiscale
    """
    if not persons.comune_exists(connection, details.comune):
        raise ComuneNotInAmbito(field="comune", comune=details.comune)
    if not persons.add(connection, parts.data, id, details, registration):
        raise AlreadyRegistered(field="codice_fiscale")
    tell_person_registered(parts, connection, id, details, registration.at)


def present(parts: Parts, connection: sa.Connection, id: UUID) -> PersonRecord:
    """A person who is known to exist."""
    person = persons.find(connection, parts.data, id)
    if person is None:
        raise LookupError(f"person {id} has vanished")
    return person
