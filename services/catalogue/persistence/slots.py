"""Slots as they are kept, and the rules they are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

import sqlalchemy as sa

from services.catalogue.domain.slot_plan import ExistingSlot, SlotChanges
from services.catalogue.domain.slots import OfferedAt, PlannedSlot, WeeklyRule
from services.catalogue.persistence.tables import availability_rule, booking, offering, service, slot
from services.chassis.ids import new_id


@dataclass(frozen=True, slots=True)
class OfferedHours:
    """An offering's place and weekly rules; without rules nothing is offered any more."""

    where: OfferedAt
    rules: tuple[WeeklyRule, ...]


def offered_hours(connection: sa.Connection) -> dict[str, OfferedHours]:
    """Every offering by id; one that has ended is there, without rules."""
    rows = connection.execute(
        sa.select(
            offering.c.id,
            offering.c.provider,
            offering.c.comuni,
            offering.c.social_point,
            sa.and_(offering.c.active, service.c.active).label("active"),
            service.c.duration_minutes,
            availability_rule,
        )
        .select_from(offering)
        .join(service, service.c.slug == offering.c.service)
        .outerjoin(availability_rule, availability_rule.c.offering_id == offering.c.id)
        .order_by(offering.c.id)
    )
    hours = {}
    for offering_id, group in groupby(rows, key=lambda row: row.id):
        entries = list(group)
        first = entries[0]
        hours[offering_id] = OfferedHours(
            OfferedAt(provider=first.provider, comuni=tuple(first.comuni), social_point=first.social_point),
            tuple(_rule(row) for row in entries if row.active and row.weekdays is not None),
        )
    return hours


def _rule(row: sa.Row[tuple[object, ...]]) -> WeeklyRule:
    return WeeklyRule(
        weekdays=frozenset(row.weekdays),
        opens=row.opens,
        closes=row.closes,
        slot_minutes=row.slot_minutes,
        visit_minutes=row.duration_minutes,
        capacity=row.capacity,
        on_holidays=row.on_holidays,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def existing_slots(
    connection: sa.Connection, offering_id: str, after: datetime, *, lock: bool = False
) -> list[ExistingSlot]:
    """The offering's slots that start after `after`; with `lock`, nobody books them until the end."""
    if lock:
        # The offering first: two that make its slots at once take turns.
        this = sa.select(offering.c.id).where(offering.c.id == offering_id)
        connection.execute(this.with_for_update(key_share=True))
        chosen = sa.select(slot.c.id).where(slot.c.offering_id == offering_id, slot.c.starts_at > after)
        connection.execute(chosen.order_by(slot.c.id).with_for_update())
    query = (
        sa.select(
            slot.c.id,
            slot.c.starts_at,
            slot.c.ends_at,
            slot.c.capacity,
            slot.c.taken,
            sa.exists().where(booking.c.slot_id == slot.c.id).label("booked"),
            slot.c.withdrawn,
            slot.c.closed_comuni,
        )
        .where(slot.c.offering_id == offering_id, slot.c.starts_at > after)
        .order_by(slot.c.id)
    )
    return [
        ExistingSlot(**(row._asdict() | {"closed_comuni": tuple(row.closed_comuni)}))
        for row in connection.execute(query)
    ]


_UPDATE: Final = (
    sa.update(slot)
    .where(slot.c.id == sa.bindparam("changed"))
    .values(
        ends_at=sa.bindparam("new_end"),
        capacity=sa.func.greatest(sa.bindparam("new_capacity", type_=sa.Integer), slot.c.taken),
        closed_comuni=sa.bindparam("new_closed"),
        withdrawn=sa.false(),
    )
)


def apply_changes(connection: sa.Connection, offering_id: str, zone: str, changes: SlotChanges) -> None:
    """Carries out `changes`, which were made from slots that are locked now."""
    if changes.delete:
        connection.execute(sa.delete(slot).where(slot.c.id.in_(changes.delete)))
    if changes.withdraw:
        connection.execute(sa.update(slot).where(slot.c.id.in_(changes.withdraw)).values(withdrawn=True))
    if changes.update:
        connection.execute(_UPDATE, [_changed(slot_id, plan) for slot_id, plan in changes.update])
    if changes.create:
        connection.execute(sa.insert(slot), _created(offering_id, zone, changes.create))


def _changed(slot_id: object, plan: PlannedSlot) -> Mapping[str, object]:
    return {
        "changed": slot_id,
        "new_end": plan.ends_at,
        "new_capacity": plan.capacity,
        "new_closed": list(plan.closed_comuni),
    }


def _created(offering_id: str, zone: str, plans: Sequence[PlannedSlot]) -> list[dict[str, object]]:
    return [
        {
            "id": new_id(),
            "offering_id": offering_id,
            "starts_at": plan.starts_at,
            "ends_at": plan.ends_at,
            "service_date": plan.service_date,
            "zone": zone,
            "capacity": plan.capacity,
            "closed_comuni": list(plan.closed_comuni),
        }
        for plan in plans
    ]
