"""Tell the others what a cooperative or a service is now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.catalogue.persistence.accreditations import entries_of
from services.catalogue.persistence.tables import outbox, provider, service
from services.chassis.messaging.event import Event
from services.contracts.events.base import routing_key
from services.contracts.events.catalogue import AccreditationFact, ProviderPublished, ServicePublished


def publish_provider(connection: sa.Connection, slug: str, now: datetime) -> None:
    """Adds ProviderPublished with the cooperative's present `version` as its sequence.

    One that is retired is told of without accreditations: whatever the register still says, nobody may choose
    or pay it any more.
    """
    row = connection.execute(sa.select(provider).where(provider.c.slug == slug)).one()
    entries = entries_of(connection, slug) if row.active else []
    data = ProviderPublished(
        provider=slug,
        name=row.name,
        accreditations=[
            AccreditationFact(
                section=entry.section,
                state=entry.state.value,
                valid_from=entry.valid_from,
                valid_to=entry.valid_to,
            )
            for entry in entries
        ],
    )
    _add(connection, data, row, now, key=routing_key(ProviderPublished, provider=slug))


def publish_service(connection: sa.Connection, slug: str, now: datetime) -> None:
    """Adds ServicePublished with the service's present `version` as its sequence."""
    row = connection.execute(sa.select(service).where(service.c.slug == slug)).one()
    data = ServicePublished(
        service_slug=slug,
        name_it=row.name_it,
        name_en=row.name_en,
        section=row.section,
        duration_minutes=row.duration_minutes,
        price_cents=row.price_cents,
        measures=list(row.measures),
    )
    _add(connection, data, row, now, key=routing_key(ServicePublished))


def _add(
    connection: sa.Connection,
    data: ProviderPublished | ServicePublished,
    row: sa.Row[Any],
    now: datetime,
    *,
    key: str,
) -> None:
    event = Event(
        type=data.event_type(),
        subject=row.slug,
        sequence=row.version,
        occurred_at=now,
        routing_key=key,
        public=data.public,
        data=data.to_json(),
    )
    outbox.add(connection, event)
