"""Lists of bookings, a page at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from services.catalogue.domain.booking import Booking, State
from services.catalogue.persistence.booking_rows import booking_from
from services.catalogue.persistence.paging import cursor_of, position_of
from services.catalogue.persistence.tables import booking, person
from services.chassis.refusal import InvalidField


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFilter:
    """Which bookings: of a person or of a cooperative; `comuni` None: of any comune, `ids` empty: of any
    number. Local days, both included.
    """

    person_id: UUID | None = None
    provider: str | None = None
    comuni: Collection[str] | None = None
    from_date: date | None = None
    to_date: date | None = None
    state: State | None = None
    ids: Collection[UUID] = ()


def booking_page(
    connection: sa.Connection, wanted: BookingFilter, *, limit: int, cursor: str
) -> tuple[list[Booking], str]:
    """Bookings by start of the visit, newest first, and the cursor of the next page (empty: this is the
    last).
    """
    query = sa.select(booking).order_by(booking.c.starts_at.desc(), booking.c.id.desc()).limit(limit + 1)
    query = query.where(*_conditions(wanted))
    if (position := position_of(cursor, str, str)) is not None:
        try:
            starts_at, last_id = datetime.fromisoformat(position[0]), UUID(position[1])
        except ValueError:
            raise InvalidField(
                field="cursor", it="Il cursore non è valido.", en="The cursor is not valid."
            ) from None
        query = query.where(sa.tuple_(booking.c.starts_at, booking.c.id) < sa.tuple_(starts_at, last_id))
    bookings = [booking_from(row) for row in connection.execute(query)]
    if len(bookings) <= limit:
        return bookings, ""
    last = bookings[limit - 1]
    return bookings[:limit], cursor_of(last.starts_at.isoformat(), str(last.id))


def _conditions(wanted: BookingFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.person_id is not None:
        conditions.append(booking.c.person_id == wanted.person_id)
    if wanted.provider is not None:
        conditions.append(booking.c.provider == wanted.provider)
    if wanted.comuni is not None:
        conditions.append(booking.c.comune.in_(sorted(wanted.comuni)))
    if wanted.from_date is not None:
        conditions.append(booking.c.service_date >= wanted.from_date)
    if wanted.to_date is not None:
        conditions.append(booking.c.service_date <= wanted.to_date)
    if wanted.state is not None:
        conditions.append(booking.c.state == wanted.state.value)
    if wanted.ids:
        conditions.append(booking.c.id.in_(sorted(wanted.ids)))
    return conditions


def comune_of(connection: sa.Connection, person_id: UUID) -> str | None:
    """The comune of a person as far as identity has told; None if it has not."""
    code: str | None = connection.execute(sa.select(person.c.comune).where(person.c.id == person_id)).scalar()
    return code
