"""The saga without infrastructure: given a state and a reply, which moves are made and what is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.catalogue.application.book_slot import BookSlot
from services.catalogue.domain.booking import CONFIRM, LAPSE, REFUSE, Booking, Move, State, why_not
from services.catalogue.domain.refusals import SlotFull, kept
from services.catalogue.persistence.bookings import Claim, SeatRequest
from services.chassis.clock import FixedClock
from services.chassis.ids import new_id
from services.chassis.refusal import Kind, Refusal, Unauthenticated, Unavailable
from tests.catalogue.world import NOW, TUESDAY_NINE, ScriptedHolds, citizen, command

PERSON, SLOT, VOUCHER = new_id(), new_id(), new_id()
LATER = NOW + timedelta(seconds=120)


class Exhausted(Refusal):
    kind = Kind.CONFLICT
    type = "voucher-exhausted"
    it = "Esaurito."
    en = "Exhausted."


def booking(state: State = State.HELD, **changes: Any) -> Booking:
    values: dict[str, Any] = {
        "id": new_id(),
        "state": state,
        "version": 0,
        "person_id": PERSON,
        "comune": "L319",
        "slot_id": SLOT,
        "service": "sad",
        "provider": "aurora",
        "voucher_id": VOUCHER,
        "minutes": 60,
        "price_cents": 2250,
        "starts_at": TUESDAY_NINE,
        "ends_at": TUESDAY_NINE + timedelta(hours=1),
        "service_date": date(2026, 12, 1),
        "zone": "Europe/Rome",
        "held_until": LATER if state is State.HELD else None,
        "reason": None,
        "reason_sealed": None,
        "refusal": kept(Exhausted()) if state is State.REFUSED else None,
        "cancelled_by": None,
        "delivered_at": None,
        "wrong_codes": 0,
        "created_at": NOW,
    }
    return Booking(**(values | changes))


@dataclass
class Shelf:
    """Keeps one booking in memory, and every move that was made with it. As `Bookings`."""

    seat: Booking | None = None
    before: Booking | None = None
    moves: list[Move] = field(default_factory=list)
    freed_keys: list[str] = field(default_factory=list)
    interfere: Callable[[Booking], Booking] | None = None
    accredited: bool = True

    def take_seat(self, seat: SeatRequest, claim: Claim, now: datetime) -> Booking | None:
        return self.seat if self.before is None else None

    def claimed(self, claim: Claim) -> Booking | None:
        return self.before

    def get(self, booking_id: UUID) -> Booking | None:
        return self.before or self.seat

    def confirm(self, booking_id: UUID, by: str, now: datetime) -> Booking | None:
        return self._move(
            CONFIRM, lambda b: self.accredited and b.held_until is not None and b.held_until > now
        )

    def section_without_accreditation(self, booking_id: UUID) -> str | None:
        return None if self.accredited else "anziani"

    def lapse(self, booking_id: UUID, by: str, now: datetime) -> Booking | None:
        return self._move(LAPSE, lambda b: b.held_until is not None and b.held_until <= now)

    def refuse(
        self, booking_id: UUID, refusal: Refusal, by: str, now: datetime, *, free_key: Claim | None
    ) -> Booking | None:
        moved = self._move(REFUSE, lambda _: True, refusal=kept(refusal), reason=refusal.type)
        if moved is not None and free_key is not None:
            self.freed_keys.append(free_key.key)
        return moved

    def _move(self, move: Move, guard: Callable[[Booking], bool], **changes: Any) -> Booking | None:
        present = self.get(PERSON)
        assert present is not None
        if self.interfere is not None:
            present, self.interfere = self.interfere(present), None
            self.before = present
        if why_not(present.state, move) is not None or not guard(present):
            return None
        self.moves.append(move)
        self.before = replace(present, state=move.target, version=present.version + 1, **changes)
        return self.before


@dataclass
class Story:
    """One call of BookSlot: given …, when the voucher's side replies …, expect …"""

    shelf: Shelf
    replies: list[Refusal | None]
    reason: Refusal | None = None
    holds: ScriptedHolds = field(default_factory=ScriptedHolds)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    def run(self) -> Booking | Refusal:
        self.holds.replies = self.replies
        book_slot = BookSlot(self.shelf, self.holds, lambda slot, person: self.reason, self.clock)  # type: ignore[arg-type]
        try:
            return book_slot(command(SLOT, PERSON, VOUCHER, "key"), citizen(PERSON))
        except Refusal as refusal:
            return refusal


def outcome(story: Story) -> tuple[str, list[Move], int, list[str]]:
    answer = story.run()
    said = answer.state.value if isinstance(answer, Booking) else answer.type
    return said, story.shelf.moves, len(story.holds.asked), story.shelf.freed_keys


@pytest.mark.parametrize(
    ("given", "reply", "expected"),
    [
        # a new seat
        (Shelf(seat=booking()), None, ("confirmed", [CONFIRM], 1, [])),
        (Shelf(seat=booking()), Exhausted(), ("voucher-exhausted", [REFUSE], 1, [])),
        (Shelf(seat=booking()), Unavailable(), ("unavailable", [REFUSE], 1, ["key"])),
        (Shelf(seat=booking()), Unauthenticated(), ("unauthenticated", [REFUSE], 1, ["key"])),
        (
            Shelf(seat=booking()),
            Exhausted(retry_after_seconds=1),
            ("voucher-exhausted", [REFUSE], 1, ["key"]),
        ),
        (Shelf(seat=booking(State.CONFIRMED)), None, ("confirmed", [], 0, [])),
        (Shelf(seat=booking(), accredited=False), None, ("provider-not-accredited", [REFUSE], 1, [])),
        # the same key again
        (Shelf(before=booking()), None, ("confirmed", [CONFIRM], 1, [])),
        (Shelf(before=booking()), Exhausted(), ("voucher-exhausted", [REFUSE], 1, [])),
        (Shelf(before=booking(), accredited=False), None, ("provider-not-accredited", [REFUSE], 1, [])),
        (Shelf(before=booking(held_until=NOW)), None, ("booking-lapsed", [LAPSE], 0, [])),
        (Shelf(before=booking(State.CONFIRMED)), None, ("confirmed", [], 0, [])),
        (Shelf(before=booking(State.CANCELLED)), None, ("cancelled", [], 0, [])),
        (Shelf(before=booking(State.DELIVERED)), None, ("delivered", [], 0, [])),
        (Shelf(before=booking(State.REFUSED)), None, ("voucher-exhausted", [], 0, [])),
        (Shelf(before=booking(State.LAPSED)), None, ("booking-lapsed", [], 0, [])),
    ],
)
def test_given_a_state_and_a_reply(
    given: Shelf, reply: Refusal | None, expected: tuple[str, list[Move], int, list[str]]
) -> None:
    assert outcome(Story(given, [reply])) == expected


@pytest.mark.parametrize(
    ("meanwhile", "reply", "said"),
    [
        (State.LAPSED, None, "booking-lapsed"),  # the sweeper was faster than the answer
        (State.CONFIRMED, None, "confirmed"),  # the same request, sent twice, was faster
        (State.CONFIRMED, Unavailable(), "confirmed"),
        (State.REFUSED, None, "voucher-exhausted"),
        (State.LAPSED, Exhausted(), "booking-lapsed"),
        (State.CANCELLED, None, "cancelled"),
    ],
)
def test_whoever_loses_a_race_says_what_the_booking_became(
    meanwhile: State, reply: Refusal | None, said: str
) -> None:
    shelf = Shelf(seat=booking(), interfere=lambda b: booking(meanwhile, id=b.id))
    assert outcome(Story(shelf, [reply])) == (said, [], 1, [])


def test_no_seat_and_no_earlier_booking_says_why() -> None:
    assert outcome(Story(Shelf(), [], SlotFull())) == ("slot-full", [], 0, [])


def test_no_seat_and_no_reason_is_tried_again_and_then_given_up() -> None:
    answer = Story(Shelf(), []).run()
    assert isinstance(answer, Unavailable)
    assert answer.retry_after_seconds == 1
