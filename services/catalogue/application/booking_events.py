"""Which event tells of which move of a booking."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.catalogue.domain.booking import CANCEL, CONFIRM, DELIVER, LAPSE, REFUSE, Move
from services.catalogue.persistence.booking_events import BookingEventKind
from services.contracts.events.catalogue import (
    BookingCancelled,
    BookingConfirmed,
    BookingDelivered,
    BookingEvent,
    BookingLapsed,
    BookingRefused,
)


def _kind(model: type[BookingEvent], *more: str) -> BookingEventKind:
    return BookingEventKind(
        type=model.event_type(),
        routing_words=f"{model.aggregate}.{model.verb}",
        public=model.public,
        more={name: name for name in more},
    )


BOOKING_EVENTS: Final[Mapping[Move, BookingEventKind]] = MappingProxyType(
    {
        CONFIRM: _kind(BookingConfirmed),
        REFUSE: _kind(BookingRefused, "reason"),
        LAPSE: _kind(BookingLapsed),
        CANCEL: _kind(BookingCancelled, "cancelled_by"),
        DELIVER: _kind(BookingDelivered, "delivered_at"),
    }
)
