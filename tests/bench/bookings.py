"""Events of bookings as catalogue's outbox holds them, for scenarios that need many alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.catalogue.persistence.tables import messaging
from services.chassis.messaging.event import Event
from services.chassis.messaging.outbox import Outbox
from services.contracts.events.base import routing_key
from services.contracts.events.catalogue import BookingEvent

CATALOGUE = "catalogue"


def outbox_row(model: type[BookingEvent], booking: UUID, provider: str) -> dict[str, Any]:
    """The columns of an event about the booking, otherwise the model's example."""
    data = model.example_data().model_copy(update={"booking_id": booking, "provider": provider})
    event = Event(
        type=model.event_type(),
        subject=str(booking),
        sequence=2,
        occurred_at=datetime.now(UTC),
        routing_key=routing_key(model, comune=data.comune, provider=provider),
        public=model.public,
        data=data.to_json(),
    )
    return Outbox(messaging, f"ambito/{CATALOGUE}").values(event)
