"""Whatever happens to vouchers, in whatever order and however often: they are conserved, chained,
never negative.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.messaging.received import PermanentFailure
from services.chassis.refusal import Refusal
from services.contracts.events.catalogue import BookingCancelled, BookingDelivered
from services.vouchers.domain.ledger import Balance
from services.vouchers.domain.voucher import Voucher
from tests.vouchers.world import World


class Life(RuleBasedStateMachine):
    """Holds, releases and deliveries of a few bookings of two vouchers, repeated, reordered and together,
    against a model of three sets.
    """

    database: Database
    bookings = Bundle("bookings")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.database)
        self.vouchers: tuple[Voucher, ...] = (self.world.voucher(300), self.world.voucher(300))
        self.held: dict[UUID, int] = {}
        self.consumed: dict[UUID, int] = {}
        self.released: set[UUID] = set()

    def voucher_of(self, booking: UUID) -> Voucher:
        return self.vouchers[booking.int % 2]

    def minutes(self, voucher: Voucher, of: Mapping[UUID, int]) -> int:
        return sum(minutes for booking, minutes in of.items() if self.voucher_of(booking) == voucher)

    def available(self, voucher: Voucher) -> int:
        return 300 - self.minutes(voucher, self.held | self.consumed)

    @rule(target=bookings, count=st.integers(1, 3))
    def book(self, count: int) -> Any:
        return multiple(*(new_id() for _ in range(count)))

    @rule(booking=bookings, minutes=st.sampled_from([1, 59, 60, 90, 300]))
    def hold(self, booking: UUID, minutes: int) -> None:
        voucher, refusal = self.voucher_of(booking), self.refusal_of(booking, minutes)
        if refusal is not None:
            with pytest.raises(Refusal) as refused:
                self.world.hold(voucher, booking, minutes=minutes)
            assert refused.value.type == refusal
            return
        again = booking in self.held or booking in self.consumed
        reservation = self.world.hold(voucher, booking, minutes=minutes)
        assert reservation.quantity == minutes
        if not again:
            self.held[booking] = minutes
            assert reservation.available == self.available(voucher)

    def refusal_of(self, booking: UUID, minutes: int) -> str | None:
        if booking in self.released:
            return "booking-already-released"
        before = (self.held | self.consumed).get(booking)
        if before is not None:
            return None if before == minutes else "booking-held-differently"
        return "voucher-exhausted" if minutes > self.available(self.voucher_of(booking)) else None

    @rule(released=st.lists(bookings, max_size=4), delivered=st.lists(bookings, max_size=4))
    def end(self, released: list[UUID], delivered: list[UUID]) -> None:
        """All of it, or nothing if a part of it cannot be."""
        events = [self.world.message(BookingCancelled, each) for each in released]
        events += [self.world.message(BookingDelivered, each) for each in delivered]
        unpaid = set(delivered) - self.held.keys() - self.consumed.keys()
        if unpaid or set(released) & (self.consumed.keys() | set(delivered)):
            with pytest.raises(PermanentFailure):
                self.world.run(self.world.end_holds, events)
            return
        self.world.run(self.world.end_holds, events)
        for booking in released:
            self.held.pop(booking, None)
            self.released.add(booking)
        self.consumed |= {each: self.held.pop(each) for each in set(delivered) & self.held.keys()}

    @invariant()
    def the_books_are_right(self) -> None:
        for voucher in self.vouchers:
            now = self.world.now_of(voucher)
            assert now.balance == Balance(
                issued=300,
                available=self.available(voucher),
                reserved=self.minutes(voucher, self.held),
                consumed=self.minutes(voucher, self.consumed),
            )
            assert now.balance.is_conserved
            assert self.world.verified(voucher).faults == ()
            numbers = [event.sequence for event in self.world.events(voucher)]
            assert numbers == list(range(1, now.version + 1))
            assert (now.version == 3) == (self.minutes(voucher, self.consumed) == 300)
        assert self.world.differences() == []


@pytest.mark.usefixtures("world")
def test_vouchers_survive_any_life(database: Database) -> None:
    Life.database = database
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
