"""Which events may be published together."""

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.messaging.pending import Row, waves

subjects = st.lists(st.sampled_from("abcd"), max_size=40)


@given(subjects)
def test_nothing_can_overtake_what_must_come_before_it(order: list[str]) -> None:
    rows = cast("list[Row]", [{"id": number, "subject": subject} for number, subject in enumerate(order)])
    parts = waves(rows)
    assert sorted(row["id"] for part in parts for row in part) == list(range(len(order)))
    for part in parts:
        assert len({row["subject"] for row in part}) == len(part) > 0
    for subject in set(order):
        ids: list[Any] = [row["id"] for part in parts for row in part if row["subject"] == subject]
        assert ids == sorted(ids)
    assert len(parts) == max((order.count(subject) for subject in set(order)), default=0)
