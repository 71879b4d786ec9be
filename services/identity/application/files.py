"""Opening a person's file: allowed or not, and written down in the same transaction."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Forbidden, NotFound
from services.identity.application import access
from services.identity.application.parts import Parts
from services.identity.domain import forms
from services.identity.persistence import persons, reads
from services.identity.persistence.persons import PersonRecord

LONGEST_REASON = 300


def reason_of_staff(reason: str) -> str:
    """:raises InvalidField: no reason was given, or a very long one"""
    return forms.text(reason, field="reason", longest=LONGEST_REASON)


def open_file(
    parts: Parts,
    connection: sa.Connection,
    caller: Caller,
    person_id: UUID,
    *,
    operation: str,
    reason: str = "",
) -> tuple[PersonRecord, str | None]:
    """The person, and the role in which the caller sees her (None: she is the caller).

    Persons whose file is not the caller's business are not found, so that nobody learns who is registered.

    :raises Unauthenticated: nobody signed in
    :raises Forbidden: the caller reads no files but her own
    :raises InvalidField: staff gave no reason
    :raises NotFound: no such person within the caller's competence
    """
    caller.require_known()
    if caller.person == person_id:
        return _person(parts, connection, person_id), None
    role = access.given_role(caller, person_id)
    if role is not None:
        reason = forms.optional_text(reason, field="reason", longest=LONGEST_REASON)
        person = _person(parts, connection, person_id)
    elif access.reads_files(caller):
        reason = reason_of_staff(reason)
        person = _person(parts, connection, person_id)
        role = access.office_role(caller, person)
        if role is None:
            raise NotFound(what="person")
    else:
        raise Forbidden
    write_down(parts, connection, caller, person_id, role=role, operation=operation, reason=reason)
    return person, role


def write_down(
    parts: Parts,
    connection: sa.Connection,
    caller: Caller,
    person_id: UUID,
    *,
    role: str,
    operation: str,
    reason: str,
) -> None:
    """Record a look at a person's file, for her to see."""
    read = reads.ReadRecord(
        at=parts.clock.now(), reader=caller.subject, role=role, operation=operation, reason=reason
    )
    reads.record(connection, parts.data, id=new_id(), person_id=person_id, read=read)


def _person(parts: Parts, connection: sa.Connection, person_id: UUID) -> PersonRecord:
    person = persons.find(connection, parts.data, person_id)
    if person is None:
        raise NotFound(what="person")
    return person
