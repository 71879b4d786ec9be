"""One person's file."""

from __future__ import annotations

from uuid import UUID

from services.chassis.caller import Caller
from services.identity.application.files import open_file
from services.identity.application.parts import Parts
from services.identity.persistence.persons import PersonRecord


def get_person(parts: Parts, caller: Caller, *, person_id: UUID, reason: str) -> PersonRecord:
    """The person; a look by anybody else is written down. Raises what :func:`open_file` raises."""
    with parts.database.transaction() as connection:
        person, _ = open_file(parts, connection, caller, person_id, operation="GetPerson", reason=reason)
        return person
