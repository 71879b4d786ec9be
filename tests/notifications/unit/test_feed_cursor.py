"""The feed's cursor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.refusal import InvalidField
from services.notifications.domain.feed import Cursor


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**18 - 1))
def test_it_survives_being_written_down(xid: int, position: int) -> None:
    cursor = Cursor(xid, position)
    assert Cursor.parse(str(cursor)) == cursor


def test_nothing_is_the_beginning() -> None:
    assert Cursor.parse("") == Cursor()


@pytest.mark.parametrize("text", ["1", "1-", "-1-2", "1-2-3", "a-b", "1-٣", "1" * 20 + "-1", " 1-2"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        Cursor.parse(text)
