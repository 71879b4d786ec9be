"""The ambito's own rules, and its calendar, as they were loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from services.catalogue.domain.calendar import Calendar, Closure
from services.catalogue.persistence.national_holidays import is_national_holiday
from services.catalogue.persistence.tables import ambito, closure, comune


class NoTerritoryError(Exception):
    """No territory was loaded into this database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the ambito's regulation decides about slots and bookings."""

    zone: ZoneInfo
    slot_horizon_days: int
    cancellation_notice: timedelta
    notice_skips_holidays: bool


def rules(connection: sa.Connection) -> Rules:
    """Raises NoTerritoryError if nothing was loaded yet."""
    row = connection.execute(sa.select(ambito)).first()
    if row is None:
        raise NoTerritoryError("load a territory first: python -m services.catalogue load FOLDER")
    return Rules(
        zone=ZoneInfo(row.zone),
        slot_horizon_days=row.slot_horizon_days,
        cancellation_notice=timedelta(hours=row.cancellation_notice_hours),
        notice_skips_holidays=row.cancellation_notice_skips_holidays,
    )


def calendar(connection: sa.Connection) -> Calendar:
    """National holidays, patron days and closures."""
    return Calendar(
        is_national_holiday=is_national_holiday,
        patrons={
            row.code: (row.patron_month, row.patron_day) for row in connection.execute(sa.select(comune))
        },
        closures=tuple(Closure(**row._mapping) for row in connection.execute(sa.select(closure))),
    )
