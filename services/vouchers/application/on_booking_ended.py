"""A booking lapsed, was refused or was cancelled: what it held goes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from services.chassis.clock import Clock
from services.chassis.messaging.received import PermanentFailure, Received
from services.contracts.events.catalogue import BookingCancelled, BookingEvent, BookingLapsed, BookingRefused
from services.vouchers.persistence import hold_endings, holds

EVENTS: Final[dict[str, type[BookingEvent]]] = {
    model.event_type(): model for model in (BookingLapsed, BookingRefused, BookingCancelled)
}


@dataclass(frozen=True, slots=True)
class OnBookingEnded:
    """Releases holds."""

    clock: Clock

    def __call__(self, connection: Connection, message: Received) -> None:
        """Release the booking's hold, or leave a tombstone that refuses it should it come late. Again:
        nothing.

        PermanentFailure if the visit was delivered: then both cannot be true, and a person has to look.
        """
        booking = message.parse(EVENTS[message.type])
        if not booking.with_voucher:
            return
        now = self.clock.now()
        # Twice at most: a hold that is being written when the release looks is waited for by the tombstone,
        # and is there when the release looks again.
        for _ in range(2):
            if hold_endings.release(connection, booking.booking_id, now) or hold_endings.bury(
                connection, booking.booking_id, now
            ):
                return
            found = holds.find(connection, booking.booking_id)
            if found is not None and found.state == "released":
                return
            if found is not None and found.state == "consumed":
                raise PermanentFailure(f"booking {booking.booking_id} ended, and was delivered before")
        raise RuntimeError(f"the hold of booking {booking.booking_id} could not be released")
