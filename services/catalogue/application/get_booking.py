"""Read one booking."""

from __future__ import annotations

from uuid import UUID

from services.catalogue.application.access import require_visible
from services.catalogue.application.file_reads import reading, tell_reads
from services.catalogue.domain.booking import Booking
from services.catalogue.persistence.booking_rows import find
from services.catalogue.persistence.tables import booking as bookings
from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.database import Database


class GetBooking:
    """The booking as it is now, for those who may read it; NotFound for everybody else.

    A read by somebody else is told to the person.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(self, booking_id: UUID, caller: Caller) -> Booking:
        with reading(self._database, caller) as connection:
            booking = require_visible(find(connection, bookings.c.id == booking_id), caller)
            tell_reads(connection, caller, [booking], operation="GetBooking", now=self._clock.now())
            return booking
