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
    in_force = sa.and_(accreditation.c.valid_from <= day, day <= accreditation.c.valid_to)
    # SQLAlchemy by itself looks for other tables one SELECT further out, and takes those beyond it anew.
    entry = sa.exists().where(registered(provider), in_force).correlate_except(accreditation)
    return sa.or_(_NO_SECTION, entry)


def registered(provider: sa.ColumnElement[str] = offering.c.provider) -> sa.ColumnElement[bool]:
    """The rows of `accreditation`, one after another in time, that let `provider` deliver the service.

    For many slots, join them and ask `is_registered`: PostgreSQL looks for an EXISTS under an OR row by row.
    """
    return sa.and_(
        accreditation.c.provider == provider,
        accreditation.c.section == service.c.section,
        accreditation.c.state == text("accredited"),
    )


def is_registered() -> sa.ColumnElement[bool]:
    """Where `registered` is an outer join: no section needed, or there is an entry; on its days only."""
    return sa.or_(_NO_SECTION, accreditation.c.provider.is_not(None))


def still_accredited() -> sa.ColumnElement[bool]:
    """The booking's cooperative may deliver its service on its day, by the register as it is now."""
    return sa.exists().where(
        service.c.slug == booking.c.service, accredited(booking.c.service_date, booking.c.provider)
    )


def serves(comune: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The slot is for residents of `comune`: the offering serves it, and is not closed there that day."""
    return sa.and_(offered_in(comune), open_to(comune))


def offered_in(comune: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The offering serves residents of `comune`."""
    return comune == sa.any_(offering.c.comuni)


def open_to(comune: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The slot's day is not one on which `comune` is closed."""
    return comune != sa.all_(slot.c.closed_comuni)
