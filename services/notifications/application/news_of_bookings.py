"""A booking was confirmed, cancelled or delivered: what the person cared for is told."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from services.contracts.events.catalogue import (
    BookingCancelled,
    BookingConfirmed,
    BookingDelivered,
    BookingEvent,
)
from services.notifications.domain.notice import Facts, News, Notice

NOTICES: Final[dict[type[BookingEvent], Notice]] = {
    BookingConfirmed: Notice.BOOKING_CONFIRMED,
    BookingCancelled: Notice.BOOKING_CANCELLED,
    BookingDelivered: Notice.BOOKING_DELIVERED,
}


def news_of_booking(event_id: UUID, booking: BookingEvent) -> News:
    """When, with whom and, if it was cancelled, by whom. `booking`: of a type in NOTICES."""
    facts = Facts(
        reference=str(booking.booking_id),
        provider=booking.provider,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        cancelled_by=booking.cancelled_by if isinstance(booking, BookingCancelled) else None,
    )
    return News(event_id, booking.person_id, NOTICES[type(booking)], facts)
