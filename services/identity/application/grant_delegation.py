"""A person lets another act for her."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Forbidden, Kind, NotFound, Refusal
from services.contracts.access import SOCIAL_POINT_OPERATOR
from services.identity.application import access
from services.identity.application.events import tell_delegation_granted
from services.identity.application.once import Attempt, once
from services.identity.application.parts import Parts
from services.identity.application.throttling import by_party, throttled
from services.identity.domain import delegation as rules
from services.identity.domain import forms
from services.identity.domain.codice_fiscale import CodiceFiscale, parse
from services.identity.domain.delegation import Delegation
from services.identity.persistence import delegations, persons
from services.identity.persistence.persons import PersonRecord

_HOUSEKEEPING = 100


class DelegateUnknown(Refusal):
    """Nobody with this codice fiscale is registered."""

    kind = Kind.NOT_FOUND
    type = "delegate-not-registered"
    it = "La persona da delegare non è ancora registrata."
    en = "The person to delegate is not registered yet."

    def __init__(self) -> None:
        super().__init__(field="delegate_codice_fiscale")


def grant_delegation(
    parts: Parts,
    caller: Caller,
    attempt: Attempt,
    *,
    principal_id: UUID,
    delegate_codice_fiscale: str,
    powers: Collection[str],
    valid_to: date | None,
    consent: bool,
) -> Delegation:
    """Give powers: by the principal herself, or recorded by an operator before whom she agrees.

    Who holds powers cannot pass them on. Attempts that fail are throttled by caller: they tell who is
    registered.

    :raises Unauthenticated, Forbidden: the caller is neither the principal nor an operator :raises
        InvalidField, CodiceFiscaleRefused: the form of a field, or an operator without the person's consent
    :raises NotFound: an operator names a person who is not his business
    :raises DelegateUnknown, DelegationExists, TooManyDelegations, TooManyAttempts: as they say
    """
    caller.require_known()
    herself = caller.person == principal_id
    if not herself and not caller.has(SOCIAL_POINT_OPERATOR):
        raise Forbidden
    delegate = parse(delegate_codice_fiscale, field="delegate_codice_fiscale")
    given = rules.powers(powers)
    last_day = rules.last_day(valid_to, today=parts.today)
    if not herself:
        forms.confirmed(consent, field="consent")
    with throttled(parts, by_party("delegate", caller.subject)), parts.database.transaction() as connection:

        def effect() -> bytes:
            principal = persons.find(connection, parts.data, principal_id)
            desk = None if herself or principal is None else access.desk_for(caller, principal)
            if principal is None or (desk is None and not herself):
                raise NotFound(what="person", field="principal_id")
            return _grant(
                parts,
                connection,
                caller,
                principal,
                delegate=delegate,
                powers=given,
                last_day=last_day,
                desk=desk,
            ).id.bytes

        granted_id = UUID(
            bytes=once(parts, connection, caller, attempt, operation="GrantDelegation", effect=effect)
        )
        granted = delegations.find(connection, granted_id)
        if granted is None:
            raise LookupError(f"delegation {granted_id} has vanished")
        return granted


def _grant(
    parts: Parts,
    connection: sa.Connection,
    caller: Caller,
    principal: PersonRecord,
    *,
    delegate: CodiceFiscale,
    powers: frozenset[str],
    last_day: date,
    desk: str | None,
) -> Delegation:
    delegate_id = persons.id_of(connection, parts.data, delegate)
    if delegate_id is None:
        raise DelegateUnknown
    now, today = parts.clock.now(), parts.today
    granted = rules.grant(
        id=new_id(),
        principal_id=principal.id,
        delegate_id=delegate_id,
        powers=powers,
        valid_to=last_day,
        today=today,
        recorded_at_social_point=desk,
    )
    persons.lock(connection, [delegate_id])  # so that the delegate's delegations can be counted
    delegations.expire(connection, today, limit=_HOUSEKEEPING, principal_id=principal.id)
    if len(delegations.held_on(connection, delegate_id, today)) >= rules.MOST_PER_DELEGATE:
        raise rules.TooManyDelegations
    if not delegations.add(connection, granted, at=now, by=caller.subject):
        raise rules.DelegationExists(field="delegate_codice_fiscale")
    tell_delegation_granted(parts, connection, granted, principal.details.comune, now)
    return granted
