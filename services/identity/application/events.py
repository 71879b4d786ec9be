"""Telling others: identity's events, written in the transaction of what they tell of."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.chassis.messaging.event import Event
from services.contracts.events.base import EventData, routing_key
from services.contracts.events.identity import (
    DelegationGranted,
    DelegationRevoked,
    PersonContactChanged,
    PersonRegistered,
)
from services.identity.application.parts import Parts
from services.identity.domain.delegation import Delegation
from services.identity.domain.person import PersonDetails
from services.identity.persistence.personal_data import PersonalData


def person_registered(data: PersonalData, id: UUID, details: PersonDetails, at: datetime) -> Event:
    """The first event of a person."""
    return _event(PersonRegistered(**_contact(data, id, details)), id, 1, at, details.comune)


def tell_person_registered(
    parts: Parts, connection: sa.Connection, id: UUID, details: PersonDetails, at: datetime
) -> None:
    parts.outbox.add(connection, person_registered(parts.data, id, details, at))


def tell_contact_changed(
    parts: Parts, connection: sa.Connection, id: UUID, details: PersonDetails, *, version: int, at: datetime
) -> None:
    """Tell of contact data, language, household or claim; all of them are repeated."""
    event = PersonContactChanged(**_contact(parts.data, id, details))
    parts.outbox.add(connection, _event(event, id, version, at, details.comune))


def tell_delegation_granted(
    parts: Parts, connection: sa.Connection, granted: Delegation, comune: str, at: datetime
) -> None:
    event = DelegationGranted(
        delegation_id=granted.id,
        principal_id=granted.principal_id,
        delegate_id=granted.delegate_id,
        powers=sorted(granted.powers),
        valid_to=granted.valid_to,
        comune=comune,
    )
    parts.outbox.add(connection, _event(event, granted.id, granted.version, at, comune))


def tell_delegation_revoked(
    parts: Parts, connection: sa.Connection, revoked: Delegation, comune: str, at: datetime
) -> None:
    event = DelegationRevoked(
        delegation_id=revoked.id,
        principal_id=revoked.principal_id,
        delegate_id=revoked.delegate_id,
        comune=comune,
    )
    parts.outbox.add(connection, _event(event, revoked.id, revoked.version, at, comune))


def _contact(data: PersonalData, id: UUID, details: PersonDetails) -> dict[str, Any]:
    contact = {"given_name": details.given_name, "email": details.email, "phone": details.phone}
    return {
        "person_id": id,
        "comune": details.comune,
        "household_id": details.household_id,
        "language": details.language,
        "contact_sealed": data.seal_contact(json.dumps(contact, ensure_ascii=False), id),
    }


def _event(data: EventData, subject: UUID, sequence: int, at: datetime, comune: str) -> Event:
    return Event(
        type=data.event_type(),
        subject=str(subject),
        sequence=sequence,
        occurred_at=at,
        routing_key=routing_key(type(data), comune=comune),
        public=data.public,
        data=data.to_json(),
    )
