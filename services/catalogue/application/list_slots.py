"""List the free slots of a service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from services.catalogue.persistence.catalogue_reads import free_slot_rows, service_row
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.refusal import InvalidField

MAXIMUM_DAYS: Final = 62
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotQuery:
    """`provider` and `comune` empty: any. Local days, both included."""

    service: str
    provider: str
    comune: str
    from_date: date
    to_date: date


class ListSlots:
    """Slots with a free seat that can be booked now, by start. NotFound for an unknown service.

    Where the service needs an accreditation, only of cooperatives that have it on the day of the slot.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def __call__(self, query: SlotQuery) -> list[Any]:
        if not timedelta(0) <= query.to_date - query.from_date < timedelta(days=MAXIMUM_DAYS):
            raise InvalidField(
                field="to_date",
                it="Il periodo va dal primo giorno all'ultimo e dura al massimo {days} giorni.",
                en="The period goes from its first day to its last and has at most {days} days.",
                days=MAXIMUM_DAYS,
            )
        with self._database.statement() as place:
            rows = free_slot_rows(
                place,
                service=query.service,
                provider=query.provider,
                comune=query.comune,
                first_day=query.from_date,
                day_after=query.to_date + _DAY,
                now=self._clock.now(),
            )
        if not rows:
            with self._database.read() as connection:
                service_row(connection, query.service)  # nothing free, or nothing of that name
        return rows
