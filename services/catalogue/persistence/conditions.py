"""Conditions that several statements share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.catalogue.persistence.constants import text
from services.catalogue.persistence.tables import accreditation, booking, offering, service, slot


def accredited(
    day: sa.ColumnElement[Any], provider: sa.ColumnElement[str] = offering.c.provider
) -> sa.ColumnElement[bool]:
    """`provider`, or the offering's, may deliver the service on `day`: no section needed, or an entry in
    it.
    """
    entry = sa.exists().where(
        accreditation.c.provider == provider,
        accreditation.c.section == service.c.section,
        accreditation.c.state == text("accredited"),
        accreditation.c.valid_from <= day,
        day <= accreditation.c.valid_to,
    )
    return sa.or_(service.c.section == text(""), entry)


def still_accredited() -> sa.ColumnElement[bool]:
    """The booking's cooperative may deliver its service on its day, by the register as it is now."""
    return sa.exists().where(
        service.c.slug == booking.c.service, accredited(booking.c.service_date, booking.c.provider)
    )


def serves(comune: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The slot is for residents of `comune`: the offering serves it, and is not closed there that day."""
    return sa.and_(comune == sa.any_(offering.c.comuni), comune != sa.all_(slot.c.closed_comuni))
