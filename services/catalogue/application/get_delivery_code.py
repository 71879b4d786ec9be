"""Tell the person the code that she gives to the operator at the visit."""

from __future__ import annotations

from uuid import UUID

from services.catalogue.application.access import acts_for, require_visible
from services.catalogue.application.file_reads import reading, tell_reads
from services.catalogue.domain.booking import DELIVER, why_not
from services.catalogue.domain.delivery_code import delivery_code
from services.catalogue.persistence.booking_rows import find
from services.catalogue.persistence.tables import booking as bookings
from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.refusal import Forbidden
from services.contracts import access


class GetDeliveryCode:
    """Six digits, for the person and who may book for her, as long as the visit is to come.

    A read by somebody else is told to the person.
    """

    def __init__(self, database: Database, secret: bytes, clock: Clock) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock

    def __call__(self, booking_id: UUID, caller: Caller) -> str:
        with reading(self._database, caller) as connection:
            booking = require_visible(find(connection, bookings.c.id == booking_id), caller)
            if not acts_for(caller, booking.person_id, access.BOOK):
                raise Forbidden
            if (refusal := why_not(booking.state, DELIVER)) is not None:
                raise refusal
            tell_reads(connection, caller, [booking], operation="GetDeliveryCode", now=self._clock.now())
        return delivery_code(self._secret, booking_id)
