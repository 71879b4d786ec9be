"""Requests that die, are repeated, come late or twice, sweeps and cancellations in any order: seats stay
bookings.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.catalogue.application.sweep_bookings import sweep_bookings
from services.catalogue.domain.booking import Booking, State
from services.catalogue.persistence import tables
from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Kind, Refusal, Unavailable
from services.contracts.events.catalogue import BookingCancelled, BookingLapsed, BookingRefused
from tests.catalogue.world import World

CAPACITY = 2
RELEASES = {model.event_type() for model in (BookingCancelled, BookingLapsed, BookingRefused)}


class Exhausted(Refusal):
    kind = Kind.CONFLICT
    type = "voucher-exhausted"
    it = en = "-"


class DiedError(BaseException):
    """The process ended here."""


class Vouchers:
    """The voucher's side with a memory; it may hold and then not be able to say so."""

    def __init__(self) -> None:
        self.holding: set[UUID] = set()
        self.fate = "holds"

    def hold(self, booking: Booking, caller: Caller) -> None:
        if self.fate == "dies before":
            raise DiedError
        if self.fate == "refuses":
            raise Exhausted
        if self.fate == "silent":
            raise Unavailable
        self.holding.add(booking.id)
        if self.fate == "dies after":
            raise DiedError
        if self.fate == "holds in silence":
            raise Unavailable


FATES = ["holds", "refuses", "silent", "holds in silence", "dies before", "dies after"]
action = st.one_of(
    st.tuples(st.just("book"), st.integers(0, 4), st.sampled_from(FATES)),
    st.tuples(st.just("sweep"), st.just(0), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from([10, 60, 130]), st.just("")),
    st.tuples(st.just("cancel"), st.integers(0, 9), st.just("")),
    st.tuples(st.just("deliver"), st.integers(0, 9), st.just("")),
    st.tuples(st.just("refuse"), st.integers(0, 9), st.just("")),
    st.tuples(st.just("confirm"), st.integers(0, 9), st.just("")),
    st.tuples(st.just("lapse"), st.integers(0, 9), st.just("")),
)


class Run:
    """One order of things on one slot."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.vouchers = Vouchers()
        world.holds.hold = self.vouchers.hold  # type: ignore[method-assign]
        self.slot = world.slot(capacity=CAPACITY)
        self.requests = [(world.person(), new_id(), str(new_id())) for _ in range(5)]

    def do(self, what: str, which: int, fate: str) -> None:
        if what == "book":
            person, voucher, key = self.requests[which]
            self.vouchers.fate = fate
            with suppress(Refusal, DiedError):
                self.world.book(self.slot, person, voucher=voucher, key=key)
        elif what == "sweep":
            sweep_bookings(self.world.bookings, self.world.clock)
        elif what == "wait":
            self.world.clock.advance(timedelta(seconds=which))
        else:
            query = sa.select(tables.booking.c.id).order_by(tables.booking.c.id)
            ids = [row.id for row in self.world.rows(query)]
            if ids:
                self._step(what, ids[which % len(ids)])

    def _step(self, what: str, booking: UUID) -> None:
        """A step of somebody who stopped long ago, or who comes twice."""
        bookings, now = self.world.bookings, self.world.clock.now()
        match what:
            case "cancel":
                bookings.cancel(booking, "provider", "-", "x", now)
            case "deliver":
                bookings.deliver(booking, now + timedelta(days=60), "x", now)
            case "refuse":
                bookings.refuse(booking, Exhausted(), "x", now, free_key=None)
            case "confirm" if booking in self.vouchers.holding:  # nobody confirms without a hold
                bookings.confirm(booking, "x", now)
            case "lapse":
                bookings.lapse(booking, "x", now)

    def check(self) -> None:
        self.world.check_invariants()
        released = {UUID(event.subject) for event in self.world.events() if event.type in RELEASES}
        for row in self.world.rows(sa.select(tables.booking.c.id, tables.booking.c.state)):
            if row.state in (State.CONFIRMED, State.DELIVERED):
                assert row.id in self.vouchers.holding - released
            elif row.state != State.HELD and row.id in self.vouchers.holding:
                assert row.id in released  # no hold is left behind


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(action, min_size=1, max_size=14))
def test_in_any_order(world: World, actions: list[tuple[str, int, str]]) -> None:
    run = Run(world)
    for what, which, fate in actions:
        run.do(what, which, fate)
        run.check()
    world.clock.advance(timedelta(seconds=200))
    sweep_bookings(world.bookings, world.clock)
    run.check()
    assert world.rows(sa.select(tables.booking.c.id).where(tables.booking.c.state == "held")) == []
    with world.database.transaction() as connection:
        connection.execute(sa.text("TRUNCATE slot, booking, outbox, idempotency, person"))
