"""What there is to say about a slot that could not be booked."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from services.catalogue.domain.bookable import SlotFacts
from services.catalogue.persistence.conditions import accredited, serves
from services.catalogue.persistence.tables import offering, person, service, slot

ALTERNATIVES: Final = 3


def slot_facts(connection: sa.Connection, slot_id: UUID, person_id: UUID) -> SlotFacts | None:
    """The slot for that person, or None if there is no such slot."""
    row = connection.execute(
        sa.select(
            slot.c.starts_at,
            slot.c.service_date,
            offering.c.service,
            offering.c.provider,
            service.c.section,
            (slot.c.capacity - slot.c.taken).label("free"),
            slot.c.withdrawn,
            sa.and_(offering.c.active, service.c.active).label("offered"),
            accredited(slot.c.service_date).label("accredited"),
            person.c.comune,
            sa.func.coalesce(serves(person.c.comune), False).label("serves_comune"),
        )
        .select_from(slot)
        .join(offering, offering.c.id == slot.c.offering_id)
        .join(service, service.c.slug == offering.c.service)
        .outerjoin(person, person.c.id == person_id)
        .where(slot.c.id == slot_id)
    ).first()
    return None if row is None else SlotFacts(**row._mapping)


def alternatives(connection: sa.Connection, slot_id: UUID, comune: str, now: datetime) -> list[UUID]:
    """Up to three slots with a free seat for the same service in that comune, nearest in time first."""
    wanted = slot.alias("wanted")
    wanted_offering = offering.alias("wanted_offering")
    nearness = sa.func.abs(sa.extract("epoch", slot.c.starts_at - wanted.c.starts_at))
    return list(
        connection.execute(
            sa.select(slot.c.id)
            .select_from(wanted)
            .join(wanted_offering, wanted_offering.c.id == wanted.c.offering_id)
            .join(offering, offering.c.service == wanted_offering.c.service)
            .join(service, service.c.slug == offering.c.service)
            .join(slot, slot.c.offering_id == offering.c.id)
            .where(
                wanted.c.id == slot_id,
                offering.c.active,
                service.c.active,
                slot.c.starts_at > now,
                slot.c.taken < slot.c.capacity,
                sa.not_(slot.c.withdrawn),
                serves(sa.literal(comune)),
                accredited(slot.c.service_date),
            )
            .order_by(nearness, slot.c.id)
            .limit(ALTERNATIVES)
        ).scalars()
    )
