"""What other services tell of persons, cooperatives and services is kept, as far as vouchers need it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from services.chassis.messaging.received import Received
from services.contracts.events.catalogue import ProviderPublished, ServicePublished
from services.contracts.events.identity import PersonContactChanged, PersonRegistered
from services.vouchers.domain.accreditation import Accreditation
from services.vouchers.domain.period import Period
from services.vouchers.persistence import copies

PERSON_EVENTS: Final = frozenset({PersonRegistered.event_type(), PersonContactChanged.event_type()})


def keep_person(connection: Connection, message: Received) -> None:
    """Where a person lives; both events say all of it."""
    person = message.parse(PersonRegistered)
    copies.keep_person(connection, person.person_id, person.comune, message.sequence)


def keep_provider(connection: Connection, message: Received) -> None:
    """A cooperative and all its accreditations."""
    provider = message.parse(ProviderPublished)
    accreditations = [
        Accreditation(fact.section, fact.state, Period(fact.valid_from, fact.valid_to))
        for fact in provider.accreditations
    ]
    copies.keep_provider(connection, provider.provider, accreditations, message.sequence)


def keep_service(connection: Connection, message: Received) -> None:
    """A service with its tariff and the measures that pay for it."""
    service = message.parse(ServicePublished)
    copy = copies.ServiceCopy(
        service.service_slug,
        service.section,
        service.duration_minutes,
        service.price_cents,
        frozenset(service.measures),
    )
    copies.keep_service(connection, copy, message.sequence)
