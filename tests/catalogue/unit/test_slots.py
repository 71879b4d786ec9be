"""From weekly hours to slots; above all on the two nights on which the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.domain.calendar import Calendar, Closure
from services.catalogue.domain.slots import OfferedAt, PlannedSlot, WeeklyRule, planned_slots
from services.catalogue.persistence.national_holidays import is_national_holiday
from tests.catalogue.world import ROME

SPRING, AUTUMN = date(2027, 3, 28), date(2026, 10, 25)  # last Sundays of March and October
EVERY_DAY = frozenset(range(1, 8))
WORKING = Calendar(is_national_holiday=lambda day: False)
TRADATE = OfferedAt(provider="aurora", comuni=("L319",))


def rule(opens: str, closes: str, minutes: int = 60, **changes: Any) -> WeeklyRule:
    values: dict[str, Any] = {
        "weekdays": EVERY_DAY,
        "opens": time.fromisoformat(opens),
        "closes": time.fromisoformat(closes),
        "slot_minutes": minutes,
        "visit_minutes": minutes,
        "capacity": 1,
        "on_holidays": False,
        "valid_from": date(2026, 1, 1),
        "valid_to": None,
    }
    return WeeklyRule(**(values | changes))


def slots_on(
    day: date, *rules: WeeklyRule, calendar: Calendar = WORKING, where: OfferedAt = TRADATE
) -> list[PlannedSlot]:
    return planned_slots(where, rules, calendar, ROME, first_day=day, last_day=day)


def local(slots: list[PlannedSlot]) -> list[str]:
    return [slot.starts_at.astimezone(ROME).isoformat(timespec="minutes")[11:] for slot in slots]


def test_a_morning() -> None:
    slots = slots_on(date(2026, 12, 1), rule("09:00", "12:00", capacity=3))
    assert local(slots) == ["09:00+01:00", "10:00+01:00", "11:00+01:00"]
    assert slots[0] == PlannedSlot(
        starts_at=datetime(2026, 12, 1, 8, tzinfo=UTC),
        ends_at=datetime(2026, 12, 1, 9, tzinfo=UTC),
        service_date=date(2026, 12, 1),
        capacity=3,
    )


@pytest.mark.parametrize(
    ("day", "offset"), [(date(2027, 3, 27), "+01:00"), (SPRING, "+02:00"), (date(2027, 3, 29), "+02:00")]
)
def test_the_wall_time_stays_when_the_offset_changes(day: date, offset: str) -> None:
    assert local(slots_on(day, rule("09:00", "11:00"))) == [f"09:00{offset}", f"10:00{offset}"]


def test_a_skipped_wall_time_has_no_slot() -> None:
    assert local(slots_on(SPRING, rule("00:30", "04:30"))) == ["00:30+01:00", "01:30+01:00", "03:30+02:00"]
    assert local(slots_on(SPRING, rule("02:00", "03:00", 30))) == []


def test_a_visit_into_the_skipped_hour_lasts_its_real_minutes() -> None:
    (first, second) = slots_on(SPRING, rule("01:30", "04:30", 60))[:2]
    assert first.ends_at - first.starts_at == timedelta(hours=1)
    assert first.ends_at == second.starts_at  # 01:30 to 03:30, then 03:30


def test_no_slot_begins_while_the_one_before_it_still_runs() -> None:
    # 90 real minutes from 01:30 last until 04:00: at 03:00, although clocks show it, the carer is still busy.
    assert local(slots_on(SPRING, rule("01:30", "06:00", 90))) == ["01:30+01:00", "04:30+02:00"]


def test_no_visit_lasts_longer_than_the_shift() -> None:
    # On that night the window from 01:30 to 03:30 is one hour long.
    assert local(slots_on(SPRING, rule("01:30", "03:30", 120))) == []
    assert len(slots_on(SPRING + timedelta(days=1), rule("01:30", "03:30", 120))) == 1


def test_a_repeated_wall_time_has_one_slot_at_its_first_coming() -> None:
    slots = slots_on(AUTUMN, rule("01:00", "04:00"))
    assert local(slots) == ["01:00+02:00", "02:00+02:00", "03:00+01:00"]
    assert [slot.ends_at - slot.starts_at for slot in slots] == [timedelta(hours=1)] * 3


def test_a_visit_over_midnight_belongs_to_its_own_day() -> None:
    slots = slots_on(date(2026, 12, 1), rule("22:30", "01:30", 60))
    assert local(slots) == ["22:30+01:00", "23:30+01:00", "00:30+01:00"]
    assert slots[1].ends_at.astimezone(ROME).date() == date(2026, 12, 2)
    assert [slot.service_date.day for slot in slots] == [1, 1, 2]


def test_a_window_of_the_night_belongs_to_the_day_on_which_it_opens() -> None:
    monday_night = rule("23:00", "02:00", weekdays=frozenset({1}))
    assert len(slots_on(date(2026, 11, 30), monday_night)) == 3
    assert slots_on(date(2026, 12, 1), monday_night) == []


def test_a_night_shift_over_the_change_of_clocks() -> None:
    spring = slots_on(SPRING - timedelta(days=1), rule("22:00", "06:00", 120))
    assert local(spring) == ["22:00+01:00", "00:00+01:00", "04:00+02:00"]
    autumn = slots_on(AUTUMN - timedelta(days=1), rule("22:00", "06:00", 120))
    assert local(autumn) == ["22:00+02:00", "00:00+02:00", "02:00+02:00", "04:00+01:00"]


def test_validity_includes_its_first_and_last_day() -> None:
    limited = rule("09:00", "10:00", valid_from=date(2026, 12, 2), valid_to=date(2026, 12, 3))
    days = planned_slots(
        TRADATE, [limited], WORKING, ROME, first_day=date(2026, 12, 1), last_day=date(2026, 12, 5)
    )
    assert [slot.service_date.day for slot in days] == [2, 3]


@pytest.mark.parametrize(
    ("day", "on_holidays", "open_"),
    [
        (date(2026, 12, 8), False, False),  # Immacolata Concezione
        (date(2026, 12, 8), True, True),
        (date(2026, 10, 7), False, False),  # the comune's patron
        (date(2026, 10, 7), True, True),
        (date(2026, 12, 9), False, True),
        (date(2026, 12, 6), False, True),  # a Sunday, which the rule names
    ],
)
def test_holidays(day: date, on_holidays: bool, open_: bool) -> None:
    italy = Calendar(is_national_holiday=is_national_holiday, patrons={"L319": (10, 7)})
    assert bool(slots_on(day, rule("09:00", "10:00", on_holidays=on_holidays), calendar=italy)) is open_


def test_a_patron_day_closes_its_comune_only() -> None:
    calendar = Calendar(is_national_holiday=lambda day: False, patrons={"L319": (12, 1)})
    both = OfferedAt(provider="aurora", comuni=("L319", "L733"))
    (slot,) = slots_on(date(2026, 12, 1), rule("09:00", "10:00"), calendar=calendar, where=both)
    assert slot.closed_comuni == ("L319",)


@pytest.mark.parametrize(
    ("closure", "is_open"),
    [
        ({}, False),
        ({"comune": "L319"}, False),
        ({"comune": "L733"}, True),
        ({"provider": "aurora"}, False),
        ({"provider": "brezza"}, True),
        ({"social_point": "tradate"}, True),
        ({"last_day": date(2026, 11, 30)}, True),
        ({"last_day": date(2026, 12, 1)}, False),
    ],
)
def test_closures_hold_even_where_holidays_do_not(closure: dict[str, Any], is_open: bool) -> None:
    values = {"first_day": date(2026, 11, 1), "last_day": date(2026, 12, 31)} | closure
    calendar = Calendar(is_national_holiday=lambda day: False, closures=[Closure(**values)])
    slots = slots_on(date(2026, 12, 1), rule("09:00", "10:00", on_holidays=True), calendar=calendar)
    assert bool(slots) is is_open


def test_a_social_point_s_closure() -> None:
    calendar = Calendar(
        is_national_holiday=lambda day: False,
        closures=[Closure(first_day=date(2026, 12, 1), last_day=date(2026, 12, 1), social_point="tradate")],
    )
    desk = OfferedAt(provider="aurora", comuni=("L319",), social_point="tradate")
    assert slots_on(date(2026, 12, 1), rule("09:00", "10:00"), calendar=calendar, where=desk) == []


@given(
    day=st.sampled_from(
        [SPRING - timedelta(days=1), SPRING, AUTUMN - timedelta(days=1), AUTUMN, date(2026, 12, 1)]
    ),
    opens=st.times(),
    closes=st.times(),
    step=st.integers(10, 240),
    visit=st.integers(10, 240),
)
def test_slots_of_any_rule_on_any_night(day: date, opens: time, closes: time, step: int, visit: int) -> None:
    visit = min(visit, step)
    window = rule(f"{opens:%H:%M}", f"{closes:%H:%M}", step, visit_minutes=visit)
    slots = slots_on(day, window)
    for slot in slots:
        assert slot.ends_at - slot.starts_at == timedelta(minutes=visit)
        assert slot.starts_at.astimezone(ROME).date() == slot.service_date
    for before, after in pairwise(slots):
        assert before.starts_at + timedelta(minutes=step) <= after.starts_at
    assert len({slot.starts_at.astimezone(ROME).replace(tzinfo=None) for slot in slots}) == len(slots)
