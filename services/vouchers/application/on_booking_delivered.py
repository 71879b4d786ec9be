"""A visit took place: what its booking held is consumed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from services.chassis.clock import Clock
from services.chassis.messaging.event import Event
from services.chassis.messaging.outbox import Outbox
from services.chassis.messaging.received import PermanentFailure, Received
from services.contracts.events.base import routing_key
from services.contracts.events.catalogue import BookingDelivered
from services.contracts.events.vouchers import VoucherExhausted
from services.vouchers.persistence import hold_endings, holds
from services.vouchers.persistence.hold_endings import Ended


@dataclass(frozen=True, slots=True)
class OnBookingDelivered:
    """Consumes holds."""

    outbox: Outbox
    clock: Clock

    def __call__(self, connection: Connection, message: Received) -> None:
        """Consume the booking's hold and, if that leaves nothing on the voucher, say so. Again: nothing.

        PermanentFailure if it has no hold, or one that was released: a visit that no voucher pays for.
        """
        booking = message.parse(BookingDelivered)
        if not booking.with_voucher:
            return
        ended = hold_endings.consume(connection, booking.booking_id, self.clock.now())
        if ended is not None:
            if ended.available == 0 and ended.reserved == 0:
                self._tell_exhausted(connection, ended)
            return
        found = holds.find(connection, booking.booking_id)
        if found is None:
            raise PermanentFailure(f"booking {booking.booking_id} was delivered, and has no hold")
        if found.state != "consumed":
            raise PermanentFailure(f"booking {booking.booking_id} was delivered, and its hold was released")

    def _tell_exhausted(self, connection: Connection, ended: Ended) -> None:
        data = VoucherExhausted(voucher_id=ended.voucher_id, person_id=ended.person_id, comune=ended.comune)
        event = Event(
            type=VoucherExhausted.event_type(),
            subject=str(ended.voucher_id),
            sequence=ended.version,
            occurred_at=self.clock.now(),
            routing_key=routing_key(VoucherExhausted, comune=ended.comune),
            public=VoucherExhausted.public,
            data=data.to_json(),
        )
        self.outbox.add(connection, event)
