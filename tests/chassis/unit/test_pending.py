"""Which events may be published together."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.messaging.pending import Row, first_of_each


@given(st.lists(st.sampled_from("abcd"), max_size=40))
def test_nothing_can_overtake_what_must_come_before_it(order: list[str]) -> None:
    rows = cast("list[Row]", [{"id": number, "subject": subject} for number, subject in enumerate(order)])
    together = first_of_each(rows)
    assert {row["id"]: row["subject"] for row in together} == {
        order.index(subject): subject for subject in set(order)
    }
