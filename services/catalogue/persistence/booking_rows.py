"""Rows of the table `booking` as bookings."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa

from services.catalogue.domain.booking import Booking, State
from services.catalogue.persistence.tables import booking

_COLUMNS: Final = tuple(name for name in Booking.__dataclass_fields__ if name != "state")
_of_booking: Final = attrgetter(*_COLUMNS)


def booking_from(row: Any) -> Booking:  # noqa: ANN401 - a row
    """The booking in a row, of SQLAlchemy or of a Statement, that has all its columns."""
    return Booking(state=State(row.state), **dict(zip(_COLUMNS, _of_booking(row), strict=True)))


def find(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Booking | None:
    """The booking that meets `conditions`, of which there is at most one."""
    row = connection.execute(sa.select(booking).where(*conditions)).first()
    return None if row is None else booking_from(row)
