"""Bookings ended: what their holds reserved goes back, or is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from services.chassis import tracing
from services.chassis.clock import Clock
from services.chassis.messaging.event import Event
from services.chassis.messaging.outbox import Outbox
from services.chassis.messaging.received import PermanentFailure, Received
from services.contracts.events.base import routing_key
from services.contracts.events.catalogue import (
    BookingCancelled,
    BookingDelivered,
    BookingEvent,
    BookingLapsed,
    BookingRefused,
)
from services.contracts.events.vouchers import VoucherExhausted
from services.vouchers.persistence import hold_endings
from services.vouchers.persistence.hold_endings import Ended

EVENTS: Final[dict[str, type[BookingEvent]]] = {
    model.event_type(): model for model in (BookingLapsed, BookingRefused, BookingCancelled, BookingDelivered)
}
_DELIVERED: Final = BookingDelivered.event_type()


@dataclass(frozen=True, slots=True)
class EndHolds:
    """Releases and consumes the holds of many bookings at once."""

    outbox: Outbox
    clock: Clock

    def __call__(self, connection: Connection, bookings: Sequence[Received]) -> None:
        """Release the holds of bookings that lapsed, were refused or were cancelled, or leave a tombstone
        that refuses one should it come late; consume those of visits that took place and, where that leaves
        nothing on a voucher, say so. What ended in the same way before stays as it is.

        PermanentFailure if a visit has no hold (no voucher pays for it), or if a booking ended and was
        delivered: both cannot be true, and a person has to look.
        """
        released: dict[UUID, Received] = {}
        delivered: dict[UUID, Received] = {}
        for event in bookings:
            booking = event.parse(EVENTS[event.type])
            if booking.with_voucher:
                (delivered if event.type == _DELIVERED else released)[booking.booking_id] = event
        now = self.clock.now()
        holds = hold_endings.lock(connection, released.keys(), delivered.keys(), now)
        if unpaid := delivered.keys() - holds.keys():
            raise PermanentFailure(f"booking {unpaid.pop()} was delivered, and has no hold")
        given_back = hold_endings.release(connection, {each: holds[each] for each in released}, now)
        used = hold_endings.consume(connection, {each: holds[each] for each in delivered}, now)
        for each in released.keys() - given_back.keys():
            if holds[each].state != "released":
                raise PermanentFailure(f"booking {each} ended, and was delivered before")
        for each in delivered.keys() - used.keys():
            if holds[each].state != "consumed":
                raise PermanentFailure(f"booking {each} was delivered, and its hold was released")
        self._tell_of_exhausted(connection, delivered, used)

    def _tell_of_exhausted(
        self, connection: Connection, delivered: Mapping[UUID, Received], used: Mapping[UUID, Ended]
    ) -> None:
        rows = []
        for booking_id, ended in used.items():
            if ended.available == 0 and ended.reserved == 0:
                booking = delivered[booking_id]
                with tracing.start_from(booking.traceparent, name=booking.type):
                    rows.append(self.outbox.values(self._exhausted(ended)))
        self.outbox.write(connection, rows)

    def _exhausted(self, ended: Ended) -> Event:
        data = VoucherExhausted(voucher_id=ended.voucher_id, person_id=ended.person_id, comune=ended.comune)
        return Event(
            type=VoucherExhausted.event_type(),
            subject=str(ended.voucher_id),
            sequence=ended.version,
            occurred_at=self.clock.now(),
            routing_key=routing_key(VoucherExhausted, comune=ended.comune),
            public=VoucherExhausted.public,
            data=data.to_json(),
        )
