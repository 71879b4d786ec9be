"""Taking powers back."""

from __future__ import annotations

from uuid import UUID

from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden, NotFound
from services.contracts.access import SOCIAL_POINT_OPERATOR
from services.identity.application import access
from services.identity.application.events import tell_delegation_revoked
from services.identity.application.parts import Parts
from services.identity.application.registration import present
from services.identity.domain.delegation import Delegation, State
from services.identity.persistence import delegations


def revoke_delegation(parts: Parts, caller: Caller, *, delegation_id: UUID) -> Delegation:
    """End a delegation: by the principal, by the delegate who renounces, or by an operator before the
    principal.

    Revoking it again changes nothing. Tokens already given to the delegate run out within minutes.

    :raises Unauthenticated, Forbidden: the caller can have no delegations to revoke
    :raises NotFound: no such delegation, or none of the caller's business
    :raises DelegationNotActive: it has expired
    """
    caller.require_known()
    if caller.person is None and not caller.has(SOCIAL_POINT_OPERATOR):
        raise Forbidden
    with parts.database.transaction() as connection:
        held = delegations.find(connection, delegation_id, hold=True)
        if held is None:
            raise NotFound(what="delegation")
        principal = present(parts, connection, held.principal_id)
        theirs = caller.person in {held.principal_id, held.delegate_id}
        if not theirs and access.desk_for(caller, principal) is None:
            raise NotFound(what="delegation")
        if held.state is State.REVOKED:
            return held
        now = parts.clock.now()
        revoked = held.revoked(parts.today)
        delegations.revoke(connection, revoked, at=now, by=caller.subject)
        tell_delegation_revoked(parts, connection, revoked, principal.details.comune, now)
        return revoked
