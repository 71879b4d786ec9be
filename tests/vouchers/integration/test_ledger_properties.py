"""Whatever happens to a voucher, in whatever order and however often: it is conserved, chained, never
negative.
"""

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
from services.vouchers.domain.ledger import Balance
from services.vouchers.domain.voucher import Voucher
from tests.vouchers.world import World


class Life(RuleBasedStateMachine):
    """Holds, releases and deliveries of a few bookings, repeated and reordered, against a model of three
    sets.
    """

    database: Database
    bookings = Bundle("bookings")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.database)
        self.voucher: Voucher = self.world.voucher(300)
        self.held: dict[UUID, int] = {}
        self.consumed: dict[UUID, int] = {}
        self.released: set[UUID] = set()

    @property
    def available(self) -> int:
        return 300 - sum(self.held.values()) - sum(self.consumed.values())

    @rule(target=bookings, count=st.integers(1, 3))
    def book(self, count: int) -> Any:
        return multiple(*(new_id() for _ in range(count)))

    @rule(booking=bookings, minutes=st.sampled_from([1, 59, 60, 90, 300]))
    def hold(self, booking: UUID, minutes: int) -> None:
        refusal = self.refusal_of(booking, minutes)
        if refusal is not None:
            with pytest.raises(Refusal) as refused:
                self.world.hold(self.voucher, booking, minutes=minutes)
            assert refused.value.type == refusal
            return
        again = booking in self.held or booking in self.consumed
        reservation = self.world.hold(self.voucher, booking, minutes=minutes)
        assert reservation.quantity == minutes
        if not again:
            self.held[booking] = minutes
            assert reservation.available == self.available

    def refusal_of(self, booking: UUID, minutes: int) -> str | None:
        if booking in self.released:
            return "booking-already-released"
        before = (self.held | self.consumed).get(booking)
        if before is not None:
            return None if before == minutes else "booking-held-differently"
        return "voucher-exhausted" if minutes > self.available else None

    @rule(booking=bookings)
    def release(self, booking: UUID) -> None:
        try:
            self.world.end(booking)
        except PermanentFailure:
            assert booking in self.consumed
            return
        assert booking not in self.consumed
        self.held.pop(booking, None)
        self.released.add(booking)

    @rule(booking=bookings)
    def deliver(self, booking: UUID) -> None:
        try:
            self.world.deliver(booking)
        except PermanentFailure:
            assert booking not in self.held
            assert booking not in self.consumed
            return
        assert booking in self.held or booking in self.consumed
        if booking in self.held:
            self.consumed[booking] = self.held.pop(booking)

    @invariant()
    def the_books_are_right(self) -> None:
        now = self.world.now_of(self.voucher)
        assert now.balance == Balance(
            issued=300,
            available=self.available,
            reserved=sum(self.held.values()),
            consumed=sum(self.consumed.values()),
        )
        assert now.balance.is_conserved
        assert self.world.verified(self.voucher).faults == ()
        assert self.world.differences() == []
        numbers = [event.sequence for event in self.world.events(self.voucher)]
        assert numbers == list(range(1, now.version + 1))
        assert (now.version == 3) == (sum(self.consumed.values()) == 300)


@pytest.mark.usefixtures("world")
def test_a_voucher_survives_any_life(database: Database) -> None:
    Life.database = database
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
