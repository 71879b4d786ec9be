"""The state machine of bookings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.domain.booking import (
    CANCEL,
    CONFIRM,
    DELIVER,
    LAPSE,
    MOVES,
    OCCUPYING,
    REFUSE,
    Move,
    State,
    why_not,
)

FINAL = {State.REFUSED, State.LAPSED, State.CANCELLED, State.DELIVERED}


@given(st.lists(st.sampled_from(MOVES), max_size=12))
def test_any_sequence_of_moves_keeps_the_seat_right_and_ends(moves: list[Move]) -> None:
    state, seats, made = State.HELD, 1, 0
    for move in moves:
        if why_not(state, move) is None:
            state, made = move.target, made + 1
            seats -= move.frees_seat
        assert seats == (state in OCCUPYING)
        assert made <= 2
        if state in FINAL:
            assert all(why_not(state, other) is not None for other in MOVES)


def test_which_moves_free_a_seat() -> None:
    assert {move for move in MOVES if move.frees_seat} == {REFUSE, LAPSE, CANCEL}


@pytest.mark.parametrize(
    ("state", "move", "reason"),
    [
        (State.CANCELLED, CANCEL, "booking-already-cancelled"),
        (State.DELIVERED, CANCEL, "booking-already-delivered"),
        (State.LAPSED, CANCEL, "booking-lapsed"),
        (State.REFUSED, CANCEL, "booking-was-refused"),
        (State.HELD, CANCEL, "booking-not-confirmed"),
        (State.HELD, DELIVER, "booking-not-confirmed"),
        (State.DELIVERED, DELIVER, "booking-already-delivered"),
        (State.CANCELLED, DELIVER, "booking-already-cancelled"),
        (State.CONFIRMED, LAPSE, "booking-already-confirmed"),
        (State.CONFIRMED, CONFIRM, "booking-already-confirmed"),
    ],
)
def test_every_no_has_its_own_type(state: State, move: Move, reason: str) -> None:
    refusal = why_not(state, move)
    assert refusal is not None
    assert refusal.type == reason
    assert refusal.message("it") != refusal.message("en")
