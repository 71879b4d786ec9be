"""Who may act for a person, and for whom she may act."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.chassis.caller import Caller
from services.identity.application import access
from services.identity.application.files import open_file
from services.identity.application.parts import Parts
from services.identity.domain.delegation import Delegation
from services.identity.persistence import delegations

_REASON = "delegations"


def list_delegations(parts: Parts, caller: Caller, *, person_id: UUID) -> list[Delegation]:
    """A person's delegations, given and held, newest first, each in its state of today.

    For whoever may open her file, and written down like that. A delegate sees those between the two of them
    only. Raises what :func:`open_file` raises.
    """
    with parts.database.transaction() as connection:
        _, role = open_file(parts, connection, caller, person_id, operation="ListDelegations", reason=_REASON)
        found = delegations.of_person(connection, person_id)
    if role == access.DELEGATE:
        found = [each for each in found if caller.person in {each.principal_id, each.delegate_id}]
    return [replace(each, state=each.state_on(parts.today)) for each in found]
