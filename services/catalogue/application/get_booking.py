"""Read one booking."""

from __future__ import annotations

from uuid import UUID

from services.catalogue.application.access import require_visible
from services.catalogue.domain.booking import Booking
from services.catalogue.persistence.bookings import Bookings
from services.chassis.caller import Caller


class GetBooking:
    """The booking as it is now, for those who may read it; NotFound for everybody else."""

    def __init__(self, bookings: Bookings) -> None:
        self._bookings = bookings

    def __call__(self, booking_id: UUID, caller: Caller) -> Booking:
        return require_visible(self._bookings.get(booking_id), caller)
