"""What to change so that existing slots become those which the rules make, without hurting a booking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.catalogue.domain.slots import PlannedSlot


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingSlot:
    """A slot as it is kept. `booked` says whether any booking, even a cancelled one, refers to it."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int
    taken: int
    booked: bool
    withdrawn: bool
    closed_comuni: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlotChanges:
    """Deletions and withdrawals come first, then updates, then creations: only so do slots never overlap."""

    delete: list[UUID] = field(default_factory=list)
    withdraw: list[UUID] = field(default_factory=list)
    update: list[tuple[UUID, PlannedSlot]] = field(default_factory=list)
    create: list[PlannedSlot] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.delete or self.withdraw or self.update or self.create)


def slot_changes(planned: Iterable[PlannedSlot], existing: Iterable[ExistingSlot]) -> SlotChanges:
    """The changes, empty if there is nothing to do.

    A slot that the rules no longer make is deleted if nobody ever booked it, otherwise withdrawn: its visits
    stay, new ones are not taken. As long as somebody has a seat in it, no new slot is made beside it, since
    the carers are busy. A capacity below the seats taken becomes the seats taken.
    """
    existing = tuple(existing)
    wanted = _without_clashes({slot.starts_at: slot for slot in planned}, existing)
    changes = SlotChanges()
    for slot in existing:
        plan = wanted.pop(slot.starts_at, None)
        if plan is None:
            if not slot.booked:
                changes.delete.append(slot.id)
            elif not slot.withdrawn:
                changes.withdraw.append(slot.id)
        elif _differs(slot, plan):
            changes.update.append((slot.id, plan))
    changes.create.extend(wanted.values())
    return changes


def _without_clashes(
    wanted: dict[datetime, PlannedSlot], existing: tuple[ExistingSlot, ...]
) -> dict[datetime, PlannedSlot]:
    while True:
        busy = [slot for slot in existing if slot.taken and slot.starts_at not in wanted]
        clashing = [
            start
            for start, plan in wanted.items()
            if any(slot.starts_at < plan.ends_at and plan.starts_at < slot.ends_at for slot in busy)
        ]
        if not clashing:
            return wanted
        for start in clashing:
            del wanted[start]


def _differs(slot: ExistingSlot, plan: PlannedSlot) -> bool:
    return (
        slot.withdrawn
        or slot.ends_at != plan.ends_at
        or slot.capacity != max(plan.capacity, slot.taken)
        or slot.closed_comuni != plan.closed_comuni
    )
