"""Reads of the public catalogue."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from services.catalogue.persistence.conditions import (
    accredited,
    is_registered,
    offered_in,
    open_to,
    registered,
)
from services.catalogue.persistence.tables import (
    accreditation,
    ambito,
    comune,
    offering,
    provider,
    service,
    slot,
    social_point,
)
from services.chassis.refusal import NotFound
from services.chassis.statements import Place, Statement

Rows = list[sa.Row[Any]]
MAXIMUM_SLOTS: Final = 10_000
"""Of one answer; some 1.2 MB, well below what a message may have."""

SERVICE_COLUMNS: Final = tuple(column for column in service.c if column.name not in ("search", "keywords"))


def service_row(connection: sa.Connection, slug: str) -> sa.Row[Any]:
    """An active service, or NotFound."""
    row = connection.execute(
        sa.select(*SERVICE_COLUMNS).where(service.c.slug == slug, service.c.active)
    ).first()
    if row is None:
        raise NotFound(what="service", field="service")
    return row


def offering_rows(connection: sa.Connection, slug: str, today: date) -> Rows:
    """`id`, `provider`, `provider_name`, `comuni` of the service's offerings by cooperatives accredited
    today.
    """
    query = (
        sa.select(
            offering.c.id, offering.c.provider, provider.c.name.label("provider_name"), offering.c.comuni
        )
        .join(service, service.c.slug == offering.c.service)
        .join(provider, provider.c.slug == offering.c.provider)
        .where(offering.c.service == slug, offering.c.active, accredited(sa.literal(today)))
    )
    return list(connection.execute(query))


def provider_rows(connection: sa.Connection, slug: str | None = None) -> Rows:
    """Active cooperatives by name, or the one of that slug."""
    query = sa.select(provider).where(provider.c.active).order_by(provider.c.name)
    if slug is not None:
        query = query.where(provider.c.slug == slug)
    return list(connection.execute(query))


def accreditation_rows(connection: sa.Connection, slug: str | None = None) -> Rows:
    """Entries in the register, of all cooperatives or of one, by section and day."""
    query = sa.select(accreditation).order_by(
        accreditation.c.provider, accreditation.c.section, accreditation.c.valid_from
    )
    if slug is not None:
        query = query.where(accreditation.c.provider == slug)
    return list(connection.execute(query))


def social_point_rows(connection: sa.Connection) -> Rows:
    """All Social Points by name."""
    return list(connection.execute(sa.select(social_point).order_by(social_point.c.name)))


def comune_rows(connection: sa.Connection) -> Rows:
    """All comuni by name."""
    return list(connection.execute(sa.select(comune).order_by(comune.c.name)))


def _free_slots() -> sa.Select[Any]:
    zone = sa.select(ambito.c.zone).scalar_subquery()
    comune_wanted = sa.bindparam("comune", type_=sa.Text)
    provider_wanted = sa.bindparam("provider", type_=sa.Text)
    midnight = [
        sa.func.timezone(zone, sa.cast(sa.bindparam(name, type_=sa.Date), sa.DateTime))
        for name in ("first_day", "day_after")
    ]
    # First the few offerings in question, with the days on which their cooperatives are accredited. Left to
    # itself, PostgreSQL's plan for any parameters looks at the slots of every offering, and at the register
    # once for each: measured, 22 ms instead of 8 in one district, and 110 instead of 10 in eighteen.
    offered = (
        sa.select(offering.c.id, offering.c.provider, accreditation.c.valid_from, accreditation.c.valid_to)
        .join(service, service.c.slug == offering.c.service)
        .outerjoin(accreditation, registered())
        .where(
            offering.c.service == sa.bindparam("service", type_=sa.Text),
            offering.c.active,
            service.c.active,
            sa.or_(provider_wanted == "", offering.c.provider == provider_wanted),
            sa.or_(comune_wanted == "", offered_in(comune_wanted)),
            is_registered(),
        )
        .cte("offered")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return (
        sa.select(
            # As text: objects that psycopg makes of UUIDs were a quarter of this read (measured).
            sa.cast(slot.c.id, sa.Text).label("id"),
            offered.c.provider,
            slot.c.starts_at,
            slot.c.ends_at,
            slot.c.zone,
            (slot.c.capacity - slot.c.taken).label("free"),
            slot.c.capacity,
        )
        .join(offered, offered.c.id == slot.c.offering_id)
        .where(
            sa.or_(
                offered.c.valid_from.is_(None),
                slot.c.service_date.between(offered.c.valid_from, offered.c.valid_to),
            ),
            sa.or_(comune_wanted == "", open_to(comune_wanted)),
            slot.c.starts_at >= midnight[0],
            slot.c.starts_at < midnight[1],
            slot.c.starts_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
            slot.c.taken < slot.c.capacity,
            sa.not_(slot.c.withdrawn),
        )
        # At the same time, an order that favours nobody and stays the same.
        .order_by(slot.c.starts_at, sa.func.md5(sa.cast(slot.c.id, sa.Text)))
        .limit(MAXIMUM_SLOTS)
    )


_FREE_SLOTS: Final = Statement(_free_slots())


def free_slot_rows(
    place: Place,
    *,
    service: str,
    provider: str,
    comune: str,
    first_day: date,
    day_after: date,
    now: datetime,
) -> list[Any]:
    """Slots with a free seat that start on the local days from `first_day` to before `day_after`, in one
    query; their ids are text.

    `provider` and `comune` empty: any.
    """
    parameters = {
        "service": service,
        "provider": provider,
        "comune": comune,
        "first_day": first_day,
        "day_after": day_after,
        "now": now,
    }
    return _FREE_SLOTS.all(place, parameters)
