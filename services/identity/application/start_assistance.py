"""An operator of a Social Point acts for a person who is present."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import NotFound
from services.contracts.access import POWERS, SOCIAL_POINT_OPERATOR
from services.identity.application import access
from services.identity.application.files import LONGEST_REASON, write_down
from services.identity.application.parts import Parts
from services.identity.application.tokens import Tokens, acting_for, sign
from services.identity.domain import forms
from services.identity.domain.person import identification
from services.identity.persistence import persons, reads


def start_assistance(
    parts: Parts,
    caller: Caller,
    *,
    person_id: UUID,
    social_point: str,
    identified_by: str,
    consent: bool,
    purpose: str,
) -> Tokens:
    """A token with which the operator has every power over this one person, for half an hour.

    That she came, to whom and what for is recorded, and shown to her among the looks at her file.

    :raises Forbidden: the caller is no operator of that Social Point
    :raises InvalidField: no consent, no purpose, or an unknown way of identifying
    :raises NotFound: no such person
    """
    access.operator_at(caller, social_point)
    identification(identified_by)
    forms.confirmed(consent, field="consent")
    purpose = forms.text(purpose, field="purpose", longest=LONGEST_REASON)
    now = parts.clock.now()
    seconds = parts.policy.assistance_seconds
    role = f"{SOCIAL_POINT_OPERATOR}:{social_point}"
    with parts.database.transaction() as connection:
        if persons.find(connection, parts.data, person_id) is None:
            raise NotFound(what="person", field="person_id")
        reads.record_assistance(
            connection,
            parts.data,
            id=new_id(),
            person_id=person_id,
            operator=caller.subject,
            social_point=social_point,
            identified_by=identified_by,
            purpose=purpose,
            started_at=now,
            expires_at=now + timedelta(seconds=seconds),
        )
        write_down(
            parts, connection, caller, person_id, role=role, operation="StartAssistance", reason=purpose
        )
    claims = {
        "sub": caller.subject,
        "roles": [role],
        "acting_for": acting_for([(person_id, POWERS)]),
    }
    return sign(parts, claims, seconds)
