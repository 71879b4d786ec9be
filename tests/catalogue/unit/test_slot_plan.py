"""Slots follow the rules, and bookings never suffer."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.domain.slot_plan import ExistingSlot, SlotChanges, slot_changes
from services.catalogue.domain.slots import PlannedSlot
from services.chassis.ids import new_id
from tests.catalogue.world import ROME, TUESDAY_NINE


def planned(minute: int, length: int = 60, capacity: int = 2) -> PlannedSlot:
    start = TUESDAY_NINE + timedelta(minutes=minute)
    return PlannedSlot(
        starts_at=start,
        ends_at=start + timedelta(minutes=length),
        service_date=start.astimezone(ROME).date(),
        capacity=capacity,
    )


def existing(minute: int, length: int = 60, **changes: Any) -> ExistingSlot:
    start = TUESDAY_NINE + timedelta(minutes=minute)
    values: dict[str, Any] = {
        "id": new_id(),
        "starts_at": start,
        "ends_at": start + timedelta(minutes=length),
        "capacity": 2,
        "taken": 0,
        "booked": False,
        "withdrawn": False,
        "closed_comuni": (),
    }
    return ExistingSlot(**(values | changes))


def test_nothing_to_do() -> None:
    assert not slot_changes([planned(0), planned(60)], [existing(0), existing(60, taken=1, booked=True)])


def test_new_slots_are_made_and_unused_old_ones_deleted() -> None:
    old = existing(30)
    assert slot_changes([planned(0)], [old]) == SlotChanges(delete=[old.id], create=[planned(0)])


def test_a_booked_slot_that_is_no_longer_offered_is_withdrawn() -> None:
    for taken in (0, 1):  # even when only a cancelled booking refers to it
        old = existing(120, taken=taken, booked=True)
        assert slot_changes([planned(0)], [old]) == SlotChanges(withdraw=[old.id], create=[planned(0)])


def test_a_withdrawn_slot_stays_so_and_comes_back_with_its_rule() -> None:
    old = existing(0, taken=1, booked=True, withdrawn=True)
    assert not slot_changes([], [old])
    assert slot_changes([planned(0)], [old]) == SlotChanges(update=[(old.id, planned(0))])


def test_no_new_slot_beside_one_whose_carer_is_busy() -> None:
    busy = existing(0, taken=1, booked=True)
    changes = slot_changes([planned(30), planned(90)], [busy])
    assert changes == SlotChanges(withdraw=[busy.id], create=[planned(90)])


def test_a_smaller_capacity_keeps_the_seats_that_are_taken() -> None:
    assert not slot_changes([planned(0, capacity=1)], [existing(0, capacity=3, taken=3, booked=True)])
    old = existing(0, capacity=3, taken=2, booked=True)
    assert slot_changes([planned(0, capacity=1)], [old]).update == [(old.id, planned(0, capacity=1))]


minutes = st.integers(0, 20).map(lambda quarter: quarter * 15)


def _spread(starts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those that do not overlap the one before."""
    kept: list[tuple[int, int]] = []
    for start, length in sorted(starts):
        if not kept or kept[-1][0] + kept[-1][1] <= start:
            kept.append((start, length))
    return kept


timetable = st.lists(st.tuples(minutes, st.sampled_from([15, 30, 45, 60, 90])), max_size=8).map(_spread)


@given(wanted=timetable, there=timetable, data=st.data())
def test_after_the_changes_nothing_overlaps_and_no_booking_is_lost(
    wanted: list[tuple[int, int]], there: list[tuple[int, int]], data: st.DataObject
) -> None:
    slots = []
    for start, length in there:
        taken = data.draw(st.integers(0, 2))
        slots.append(existing(start, length, taken=taken, booked=taken > 0 or data.draw(st.booleans())))
    plans = [planned(start, length) for start, length in wanted]
    changes = slot_changes(plans, slots)
    by_id = {slot.id: slot for slot in slots}
    assert not any(by_id[gone].booked for gone in changes.delete)
    updated = dict(changes.update)
    periods = [(plan.starts_at, plan.ends_at) for plan in changes.create]
    for slot in slots:
        gone = slot.id in changes.delete or (slot.id in changes.withdraw and not slot.taken)
        end = updated[slot.id].ends_at if slot.id in updated else slot.ends_at
        if not gone:
            periods.append((slot.starts_at, end))
    for (_, before), (after, _) in pairwise(sorted(periods)):
        assert before <= after
