"""Rows of the table `booking` as bookings."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from services.catalogue.domain.booking import Booking, State
from services.catalogue.persistence.tables import booking

_COLUMNS: Final = tuple(name for name in Booking.__dataclass_fields__ if name != "state")


def booking_from(row: sa.Row[Any]) -> Booking:
    """The booking in a row that has all its columns."""
    values = row._mapping
    return Booking(state=State(values["state"]), **{name: values[name] for name in _COLUMNS})


def find(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Booking | None:
    """The booking that meets `conditions`, of which there is at most one."""
    row = connection.execute(sa.select(booking).where(*conditions)).first()
    return None if row is None else booking_from(row)
