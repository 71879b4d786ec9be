"""An operator of a Social Point registers a person who is present."""

from __future__ import annotations

from uuid import UUID

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import InvalidField
from services.identity.application import access
from services.identity.application.issue_claim_code import open_claim
from services.identity.application.once import Attempt, once
from services.identity.application.parts import Parts
from services.identity.application.registration import present, write_person
from services.identity.domain import forms
from services.identity.domain.person import PersonDetails, identification
from services.identity.persistence import persons
from services.identity.persistence.persons import PersonRecord, Registration


def register_person_assisted(
    parts: Parts,
    caller: Caller,
    attempt: Attempt,
    details: PersonDetails,
    *,
    social_point: str,
    identified_by: str,
    consent: bool,
) -> tuple[PersonRecord, str]:
    """Make a person without an account, and the code with which she may take one over later.

    Repeated with the same idempotency key, it gives the same code: what is kept is only what it is computed
    from.

    :raises Forbidden: the caller is no operator of that Social Point
    :raises InvalidField: no consent, an unknown Social Point or way of identifying
    :raises ComuneNotInAmbito, AlreadyRegistered: as they say
    """
    access.operator_at(caller, social_point)
    identification(identified_by)
    forms.confirmed(consent, field="consent")
    with parts.database.transaction() as connection:

        def effect() -> bytes:
            if not persons.social_point_exists(connection, social_point):
                raise InvalidField(
                    field="social_point", it="Social Point sconosciuto.", en="Unknown Social Point."
                )
            person_id = new_id()
            registration = Registration(
                at=parts.clock.now(),
                by=caller.subject,
                social_point=social_point,
                identified_by=identified_by,
            )
            write_person(parts, connection, person_id, details, registration)
            return person_id.bytes + open_claim(parts, connection, caller, person_id)

        kept = once(parts, connection, caller, attempt, operation="RegisterPersonAssisted", effect=effect)
        registered = UUID(bytes=kept[:16])
        return present(parts, connection, registered), parts.data.claim_code(registered, kept[16:])
