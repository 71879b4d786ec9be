"""Who may do what here. Deny by default: what no function grants is refused.

Two ways lead to a person's matters: being that person, or holding a power over her (a delegation, or an
assistance session at a Social Point with her recorded consent); and an office whose comune or ambito is
competent. Cooperatives have no way: they see the lines of their own statement, and nothing that names a
person's plan or voucher.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden
from services.contracts.access import (
    COMUNE_OFFICER,
    PLAN_OFFICE,
    PROVIDER_CLIENT,
    PROVIDER_STAFF,
    READ,
    SOCIAL_POINT_OPERATOR,
    SOCIAL_WORKER,
)
from services.vouchers.persistence import funding

_PROVIDERS = (PROVIDER_STAFF, PROVIDER_CLIENT)
_OF_A_COMUNE = (SOCIAL_WORKER, COMUNE_OFFICER)


def require_role(caller: Caller, role: str, scope: str | None = None) -> None:
    """Unauthenticated without a token, Forbidden without the role, in `scope` if one is given."""
    caller.require_known()
    if not caller.has(role, scope):
        raise Forbidden


def acts_for(caller: Caller, person: UUID, power: str, *, never: Iterable[str] = _PROVIDERS) -> bool:
    """Whether the caller is `person` or holds `power` over her. Who works in one of the roles `never` uses no
    powers: an interest in the outcome and a power over the person do not go together.
    """
    if caller.person == person:
        return True
    return caller.may_act_for(person, power) and not any(map(caller.has, never))


def may_read_vouchers(connection: Connection, caller: Caller, person: UUID, comune: str) -> bool:
    """Vouchers and their history: the person's side, the offices of the comune that issues, the plan
    office.
    """
    return (
        acts_for(caller, person, READ)
        or caller.has(SOCIAL_WORKER, comune)
        or caller.has(COMUNE_OFFICER, comune)
        or is_plan_office(connection, caller)
    )


def may_read_plan(caller: Caller, person: UUID, comune: str) -> bool:
    """Plans tell of needs: the person's side without Social Points, and the comune's offices."""
    return (
        acts_for(caller, person, READ, never=(*_PROVIDERS, SOCIAL_POINT_OPERATOR))
        or caller.has(SOCIAL_WORKER, comune)
        or caller.has(COMUNE_OFFICER, comune)
    )


def may_read_goals(caller: Caller, person: UUID, comune: str) -> bool:
    """What a plan is to achieve: the person herself and her comune's social workers, nobody else."""
    return caller.person == person or caller.has(SOCIAL_WORKER, comune)


def is_of_an_office(caller: Caller) -> bool:
    """Whether the caller may read of others in an office, which they are told."""
    return any(map(caller.has, (*_OF_A_COMUNE, PLAN_OFFICE, SOCIAL_POINT_OPERATOR)))


def reads_as(caller: Caller, person: UUID, comune: str) -> str | None:
    """The role, `name:scope`, in which somebody else reads what `comune` keeps of `person`; None if it is
    she herself or who acts for her by her delegation.

    An operator who assists her acts with her consent, but in an office: that is somebody else. Forbidden to
    whom no office lets read.
    """
    if acts_for(caller, person, READ, never=(*_PROVIDERS, SOCIAL_POINT_OPERATOR)):
        return None
    for role in _OF_A_COMUNE:
        if caller.has(role, comune):
            return f"{role}:{comune}"
    role = SOCIAL_POINT_OPERATOR if caller.may_act_for(person, READ) else PLAN_OFFICE
    for scope in sorted(caller.scopes(role)):
        return f"{role}:{scope}"
    raise Forbidden


def is_plan_office(connection: Connection, caller: Caller) -> bool:
    """Whether the caller works at the plan office of this database's ambito."""
    if not caller.has(PLAN_OFFICE):
        return False
    regulation = funding.find_regulation(connection)
    return regulation is not None and caller.has(PLAN_OFFICE, regulation.ambito)


def offices(caller: Caller) -> frozenset[str]:
    """The comuni in which the caller is a social worker or an officer."""
    return caller.scopes(SOCIAL_WORKER) | caller.scopes(COMUNE_OFFICER)


def administered(connection: Connection, caller: Caller) -> frozenset[str] | None:
    """The comuni whose budgets and ledger the caller oversees; None: the whole ambito. Forbidden if there are
    none.
    """
    caller.require_known()
    if is_plan_office(connection, caller):
        return None
    comuni = caller.scopes(COMUNE_OFFICER)
    if not comuni:
        raise Forbidden
    return comuni
