"""A booking was confirmed, cancelled or delivered."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import sqlalchemy as sa

from services.contracts.events.catalogue import (
    BookingCancelled,
    BookingConfirmed,
    BookingDelivered,
    BookingEvent,
)
from services.notifications.application.tell import Tell
from services.notifications.domain.notice import Facts, Notice

NOTICES: Final[dict[type[BookingEvent], Notice]] = {
    BookingConfirmed: Notice.BOOKING_CONFIRMED,
    BookingCancelled: Notice.BOOKING_CANCELLED,
    BookingDelivered: Notice.BOOKING_DELIVERED,
}


def tell_of_booking(tell: Tell, connection: sa.Connection, event_id: UUID, booking: BookingEvent) -> None:
    """Tells the person cared for, and her delegates. Raises PersonNotYetKnown."""
    facts = Facts(
        reference=str(booking.booking_id),
        provider=booking.provider,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        cancelled_by=booking.cancelled_by if isinstance(booking, BookingCancelled) else None,
    )
    tell(connection, event_id=event_id, person=booking.person_id, notice=NOTICES[type(booking)], facts=facts)
