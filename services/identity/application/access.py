"""Who may do what in identity. Whatever is not allowed here is refused.

Staff see persons by competence: social workers and officers those of their comune, operators of a Social
Point those registered there or who are before them (an assistance token). The Ufficio di Piano and
cooperatives see nobody.
"""

from __future__ import annotations

from uuid import UUID

from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden
from services.contracts.access import COMUNE_OFFICER, READ, SOCIAL_POINT_OPERATOR, SOCIAL_WORKER
from services.identity.persistence.persons import PersonRecord

DELEGATE = "delegate"
"""The role under which a delegate's look at a file is written down."""
_OF_A_COMUNE = (SOCIAL_WORKER, COMUNE_OFFICER)


def operator_at(caller: Caller, social_point: str) -> None:
    """:raises Forbidden: the caller is no operator of that Social Point"""
    caller.require_known()
    if not caller.has(SOCIAL_POINT_OPERATOR, social_point):
        raise Forbidden


def reads_files(caller: Caller) -> bool:
    """Whether the caller's office makes files of some persons readable."""
    return any(caller.has(role) for role in (SOCIAL_POINT_OPERATOR, *_OF_A_COMUNE))


def given_role(caller: Caller, person_id: UUID) -> str | None:
    """The role in which the caller may read a file by the person's own will: delegated, or assisting her."""
    if READ not in caller.acting_for.get(person_id, frozenset()):
        return None
    return _first(caller, SOCIAL_POINT_OPERATOR) or DELEGATE


def office_role(caller: Caller, person: PersonRecord) -> str | None:
    """The role in which the caller's office may read this file; None if it is not competent."""
    point = person.registered_at_social_point
    if point is not None and caller.has(SOCIAL_POINT_OPERATOR, point):
        return f"{SOCIAL_POINT_OPERATOR}:{point}"
    return _of_comune(caller, person)


def finder_role(caller: Caller, person: PersonRecord) -> str | None:
    """The role in which the caller may find this person by codice fiscale.

    An operator may find anybody: who stands at the desk shows a document, wherever she registered.
    """
    return _of_comune(caller, person) or _first(caller, SOCIAL_POINT_OPERATOR)


def desk_for(caller: Caller, person: PersonRecord) -> str | None:
    """The Social Point at which this operator may record what the person, being present, wants; or None."""
    if person.id in caller.acting_for:
        return min(caller.scopes(SOCIAL_POINT_OPERATOR), default=None)
    point = person.registered_at_social_point
    return point if point is not None and caller.has(SOCIAL_POINT_OPERATOR, point) else None


def _of_comune(caller: Caller, person: PersonRecord) -> str | None:
    for role in _OF_A_COMUNE:
        if caller.has(role, person.details.comune):
            return f"{role}:{person.details.comune}"
    return None


def _first(caller: Caller, role: str) -> str | None:
    scopes = sorted(caller.scopes(role))
    return f"{role}:{scopes[0]}" if scopes else None
