"""Tell the person the code that she gives to the operator at the visit."""

from __future__ import annotations

from uuid import UUID

from services.catalogue.application.access import require_visible
from services.catalogue.domain.booking import DELIVER, why_not
from services.catalogue.domain.delivery_code import delivery_code
from services.catalogue.persistence.bookings import Bookings
from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden
from services.contracts import access


class GetDeliveryCode:
    """Six digits, for the person and who may book for her, as long as the visit is to come."""

    def __init__(self, bookings: Bookings, secret: bytes) -> None:
        self._bookings = bookings
        self._secret = secret

    def __call__(self, booking_id: UUID, caller: Caller) -> str:
        booking = require_visible(self._bookings.get(booking_id), caller)
        if not caller.may_act_for(booking.person_id, access.BOOK):
            raise Forbidden
        if (refusal := why_not(booking.state, DELIVER)) is not None:
            raise refusal
        return delivery_code(self._secret, booking_id)
