"""Finding a person by codice fiscale."""

from __future__ import annotations

from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden, NotFound
from services.identity.application import access
from services.identity.application.files import reason_of_staff, write_down
from services.identity.application.parts import Parts
from services.identity.domain.codice_fiscale import parse
from services.identity.persistence import persons
from services.identity.persistence.persons import PersonRecord


def find_person(parts: Parts, caller: Caller, *, codice_fiscale: str, reason: str) -> PersonRecord:
    """The person with that code, for staff within their competence; written down like any look at a file.

    :raises Unauthenticated, Forbidden: the caller is no staff that meets persons
    :raises CodiceFiscaleRefused, InvalidField: the code is wrong in itself, or no reason was given
    :raises NotFound: nobody within the caller's competence has it
    """
    caller.require_known()
    if not access.reads_files(caller):
        raise Forbidden
    code = parse(codice_fiscale)
    reason = reason_of_staff(reason)
    with parts.database.transaction() as connection:
        person = persons.find_by_codice_fiscale(connection, parts.data, code)
        role = None if person is None else access.finder_role(caller, person)
        if person is None or role is None:
            raise NotFound(what="person", field="codice_fiscale")
        write_down(parts, connection, caller, person.id, role=role, operation="FindPerson", reason=reason)
        return person
