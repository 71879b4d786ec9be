"""Make the slots of the days to come out of the weekly rules, up to the ambito's horizon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.catalogue.domain.calendar import Calendar
from services.catalogue.domain.slot_plan import SlotChanges, slot_changes
from services.catalogue.domain.slots import planned_slots
from services.catalogue.persistence.rules import calendar, rules
from services.catalogue.persistence.slots import OfferedHours, apply_changes, existing_slots, offered_hours
from services.chassis.clock import Clock
from services.chassis.database import Database


@dataclass(frozen=True, slots=True)
class Materialised:
    """What a run did."""

    offerings: int
    created: int
    updated: int
    withdrawn: int
    deleted: int


@dataclass(frozen=True, slots=True)
class _Frame:
    calendar: Calendar
    zone: ZoneInfo
    horizon: timedelta
    now: datetime


def materialise_slots(database: Database, clock: Clock) -> Materialised:
    """Brings all future slots in line with the rules. Running it again changes nothing; bookings are never
    hurt.

    Each offering is a transaction of its own, so that bookings of the others go on meanwhile.
    """
    with database.read() as connection:
        rule = rules(connection)
        hours = offered_hours(connection)
        frame = _Frame(calendar(connection), rule.zone, timedelta(days=rule.slot_horizon_days), clock.now())
    done = [_materialise(database, offering_id, offered, frame) for offering_id, offered in hours.items()]
    return Materialised(
        offerings=len(done),
        created=sum(len(changes.create) for changes in done),
        updated=sum(len(changes.update) for changes in done),
        withdrawn=sum(len(changes.withdraw) for changes in done),
        deleted=sum(len(changes.delete) for changes in done),
    )


def _materialise(database: Database, offering_id: str, offered: OfferedHours, frame: _Frame) -> SlotChanges:
    today = frame.now.astimezone(frame.zone).date()
    planned = [
        slot
        for slot in planned_slots(
            offered.where,
            offered.rules,
            frame.calendar,
            frame.zone,
            first_day=today - timedelta(days=1),  # a window of yesterday may reach over midnight
            last_day=today + frame.horizon,
        )
        if slot.starts_at > frame.now
    ]
    with database.read() as connection:
        changes = slot_changes(planned, existing_slots(connection, offering_id, frame.now))
    if not changes:
        return changes
    with database.transaction() as connection:
        changes = slot_changes(planned, existing_slots(connection, offering_id, frame.now, lock=True))
        apply_changes(connection, offering_id, frame.zone.key, changes)
    return changes
