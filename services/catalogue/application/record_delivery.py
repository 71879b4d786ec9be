"""Prove that a visit took place: the cooperative enters the code that the person gave at the visit."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.catalogue.application.access import is_provider, require_visible
from services.catalogue.domain.booking import DELIVER, Booking, why_not
from services.catalogue.domain.delivery_code import MAXIMUM_WRONG_CODES, is_delivery_code
from services.catalogue.domain.refusals import DeliveryCodeLocked, DeliveryCodeWrong, DeliveryTooEarly
from services.catalogue.persistence.bookings import Bookings
from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.refusal import Forbidden, Unavailable


class RecordDelivery:
    """Returns the delivered booking. `earliest` is how long before its start a visit may be recorded.

    A wrong code is counted, whatever else happens, and the fifth locks the booking's codes.
    """

    def __init__(self, bookings: Bookings, secret: bytes, earliest: timedelta, clock: Clock) -> None:
        self._bookings = bookings
        self._secret = secret
        self._earliest = earliest
        self._clock = clock

    def __call__(self, booking_id: UUID, code: str, caller: Caller) -> Booking:
        booking = require_visible(self._bookings.get(booking_id), caller)
        if not is_provider(caller, booking.provider):
            raise Forbidden
        self._check(booking)
        if not is_delivery_code(code, self._secret, booking_id):
            counted = self._bookings.count_wrong_code(booking_id)
            if counted is None:
                self._check(self._again(booking))
                raise Unavailable(retry_after_seconds=1)
            raise DeliveryCodeWrong(field="code", attempts_left=MAXIMUM_WRONG_CODES - counted)
        now = self._clock.now()
        delivered = self._bookings.deliver(booking_id, now + self._earliest, caller.subject, now)
        if delivered is not None:
            return delivered
        self._check(self._again(booking))
        raise Unavailable(retry_after_seconds=1)

    def _again(self, booking: Booking) -> Booking:
        return self._bookings.get(booking.id) or booking

    def _check(self, booking: Booking) -> None:
        if (refusal := why_not(booking.state, DELIVER)) is not None:
            raise refusal
        if booking.wrong_codes >= MAXIMUM_WRONG_CODES:
            raise DeliveryCodeLocked
        recordable_from = booking.starts_at - self._earliest
        if self._clock.now() < recordable_from:
            local = recordable_from.astimezone(booking.local_start.tzinfo).isoformat(timespec="minutes")
            raise DeliveryTooEarly(recordable_from=local)
