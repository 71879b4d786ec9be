"""Conditions that several statements share."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from services.catalogue.persistence.constants import text
from services.catalogue.persistence.tables import accreditation, booking, offering, service, slot

_NO_SECTION: Final = service.c.section == text("")


def accredited(
    day: sa.ColumnElement[Any], provider: sa.ColumnElement[str] = offering.c.provider
) -> sa.ColumnElement[bool]:
    """`provider`, or the offering's, may deliver the service on `day`: no section needed, or an entry in
    it.
    """
    return sa.or_(_NO_SECTION, sa.exists().where(entry_in_register(day, provider)))


def entry_in_register(
    day: sa.ColumnElement[Any], provider: sa.ColumnElement[str] = offering.c.provider
) -> sa.ColumnElement[bool]:
    """The row of `accreditation`, of which there is at most one, that lets `provider` deliver on `day`.

    For many rows, join it and ask `is_accredited`: PostgreSQL looks for an EXISTS under an OR row by row.
    """
    return sa.and_(
        accreditation.c.provider == provider,
        accreditation.c.section == service.c.section,
        accreditation.c.state == text("accredited"),
        accreditation.c.valid_from <= day,
        day <= accreditation.c.valid_to,
    )


def is_accredited() -> sa.ColumnElement[bool]:
    """As `accredited`, where `entry_in_register` is an outer join."""
    return sa.or_(_NO_SECTION, accreditation.c.provider.is_not(None))


def still_accredited() -> sa.ColumnElement[bool]:
    """The booking's cooperative may deliver its service on its day, by the register as it is now."""
    return sa.exists().where(
        service.c.slug == booking.c.service, accredited(booking.c.service_date, booking.c.provider)
    )


def serves(comune: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The slot is for residents of `comune`: the offering serves it, and is not closed there that day."""
    return sa.and_(comune == sa.any_(offering.c.comuni), comune != sa.all_(slot.c.closed_comuni))
