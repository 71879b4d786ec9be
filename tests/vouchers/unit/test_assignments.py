"""The choice of a cooperative, day by day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.vouchers.domain.assignments import Assignment, Assignments, ChangeRules
from services.vouchers.domain.refusals import ProviderChangeTooEarly

TODAY = date(2026, 3, 2)
FREE = ChangeRules(0, 0)
STRICT = ChangeRules(notice_days=7, minimum_interval_days=30)


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


def after(*choices: tuple[str, int]) -> Assignments:
    assignments = Assignments()
    for provider, offset in choices:
        assignments = assignments.choosing(provider, day(offset), today=TODAY, rules=FREE)
    return assignments


def test_before_the_first_choice_there_is_none() -> None:
    assert after(("aurora", 5)).on(day(4)) is None
    assert Assignments().on(TODAY) is None


def test_a_change_ends_the_assignment_before_it() -> None:
    changed = after(("aurora", 0), ("betulla", 10))
    assert [changed.on(day(offset)).provider for offset in (0, 9, 10, 400)] == [  # type: ignore[union-attr]
        "aurora",
        "aurora",
        "betulla",
        "betulla",
    ]


def test_a_choice_replaces_what_was_chosen_for_later() -> None:
    assert after(("aurora", 0), ("betulla", 10), ("cedro", 5)).items == (
        Assignment("aurora", day(0)),
        Assignment("cedro", day(5)),
    )


def test_choosing_the_running_one_again_takes_a_planned_change_back() -> None:
    assert after(("aurora", 0), ("betulla", 10), ("aurora", 5)).items == (Assignment("aurora", day(0)),)


def test_choosing_the_same_changes_nothing() -> None:
    once = after(("aurora", 0))
    assert once.choosing("aurora", day(3), today=TODAY, rules=STRICT) is once


def test_the_first_choice_needs_no_notice() -> None:
    assert Assignments().choosing("aurora", TODAY, today=TODAY, rules=STRICT).on(TODAY)


def test_a_choice_that_has_not_begun_may_be_changed() -> None:
    chosen = Assignments().choosing("aurora", day(3), today=TODAY, rules=STRICT)
    assert chosen.choosing("betulla", day(3), today=TODAY, rules=STRICT).items == (
        Assignment("betulla", day(3)),
    )


@pytest.mark.parametrize(
    ("began", "asked", "earliest"),
    [(-60, 6, 7), (-60, 0, 7), (-10, 19, 20), (0, 29, 30)],
)
def test_a_change_waits_for_notice_and_interval(began: int, asked: int, earliest: int) -> None:
    running = Assignments((Assignment("aurora", day(began)),))
    with pytest.raises(ProviderChangeTooEarly) as refused:
        running.choosing("betulla", day(asked), today=TODAY, rules=STRICT)
    assert refused.value.facts["earliest"] == day(earliest).isoformat()
    assert running.choosing("betulla", day(earliest), today=TODAY, rules=STRICT).on(
        day(earliest)
    ) == Assignment("betulla", day(earliest))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=1, max_size=8),
    st.integers(0, 40),
)
def test_the_latest_choice_decides_each_day(choices: list[tuple[str, int]], asked: int) -> None:
    expected: dict[int, str] = {}
    for provider, offset in choices:
        expected = {past: held for past, held in expected.items() if past < offset} | dict.fromkeys(
            range(offset, 41), provider
        )
    found = after(*choices)
    assigned = found.on(day(asked))
    assert (assigned.provider if assigned else None) == expected.get(asked)
    firsts = [item.first for item in found.items]
    assert firsts == sorted(set(firsts))
