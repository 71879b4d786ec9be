"""List the bookings of a person, or of a cooperative."""

from __future__ import annotations

from dataclasses import replace

from services.catalogue.application.access import acts_for, is_provider, offices_of
from services.catalogue.application.file_reads import reading, tell_reads
from services.catalogue.domain.booking import Booking
from services.catalogue.persistence.booking_lists import BookingFilter, booking_page, comune_of
from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.refusal import Forbidden, InvalidField
from services.contracts import access


class ListBookings:
    """A page of bookings and the cursor of the next one.

    A person's are listed to her and who may read for her, and to the offices of her comune, which see those
    of their own comune only; a cooperative's to itself. A read by somebody else is told to the person.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(
        self, wanted: BookingFilter, caller: Caller, *, limit: int, cursor: str
    ) -> tuple[list[Booking], str]:
        caller.require_known()
        if (wanted.person_id is None) == (wanted.provider is None):
            raise InvalidField(
                field="person_id",
                it="Indicare la persona oppure la cooperativa.",
                en="Give either the person or the cooperative.",
            )
        with reading(self._database, caller) as connection:
            if wanted.provider is not None:
                if not is_provider(caller, wanted.provider):
                    raise Forbidden(field="provider")
            elif wanted.person_id is not None and not acts_for(
                caller, wanted.person_id, access.READ, access.BOOK
            ):
                offices = offices_of(caller)
                if not offices or comune_of(connection, wanted.person_id) not in offices:
                    raise Forbidden(field="person_id")
                wanted = replace(wanted, comuni=offices)
            page, next_cursor = booking_page(connection, wanted, limit=limit, cursor=cursor)
            if wanted.provider is None:
                tell_reads(connection, caller, page, operation="ListBookings", now=self._clock.now())
            return page, next_cursor
