"""How holds end: released, consumed, once, in whatever order the events come."""

from dataclasses import replace

import pytest

from services.chassis.ids import new_id
from services.chassis.messaging.received import PermanentFailure
from services.chassis.refusal import Refusal
from services.contracts.events.catalogue import (
    BookingCancelled,
    BookingDelivered,
    BookingLapsed,
    BookingRefused,
)
from services.contracts.events.vouchers import VoucherExhausted
from services.vouchers.domain.ledger import Balance
from services.vouchers.persistence import holds
from tests.vouchers.world import World

ENDS = [BookingLapsed, BookingRefused, BookingCancelled]


@pytest.mark.parametrize("model", ENDS)
def test_a_release_gives_back_what_was_held(world: World, model: type) -> None:
    voucher, booking = world.voucher(180), new_id()
    world.hold(voucher, booking)
    world.end(booking, model)
    assert world.now_of(voucher).balance == Balance(issued=180, available=180)
    last = world.entries(voucher)[-1]
    assert (last.kind, last.quantity, last.booking_id, last.available) == ("release", 60, booking, 180)


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_a_second_release_gives_back_nothing(world: World, first: type, second: type) -> None:
    voucher, booking = world.voucher(180), new_id()
    world.hold(voucher, booking)
    world.end(booking, first)
    world.end(booking, second)
    assert world.now_of(voucher).balance.available == 180
    assert len(world.entries(voucher)) == 3


@pytest.mark.parametrize("model", ENDS)
def test_a_release_before_its_hold_refuses_the_hold(world: World, model: type) -> None:
    voucher, booking = world.voucher(180), new_id()
    world.end(booking, model)
    world.end(booking, model)
    with pytest.raises(Refusal) as refused:
        world.hold(voucher, booking)
    assert refused.value.type == "booking-already-released"
    assert world.now_of(voucher).balance.available == 180
    assert world.differences() == []


def test_a_delivery_consumes_what_was_held(world: World) -> None:
    voucher, booking = world.voucher(180), new_id()
    world.hold(voucher, booking)
    world.deliver(booking)
    world.deliver(booking)
    assert world.now_of(voucher).balance == Balance(issued=180, available=120, consumed=60)
    assert [entry.kind for entry in world.entries(voucher)] == ["issue", "reserve", "consume"]
    assert world.budget().consumed_cents == 2200


def test_a_delivery_without_a_hold_is_for_the_dead_letters(world: World) -> None:
    with pytest.raises(PermanentFailure, match="no hold"):
        world.deliver(new_id())


def test_a_delivery_after_a_release_is_for_the_dead_letters(world: World) -> None:
    voucher, booking = world.voucher(180), new_id()
    world.hold(voucher, booking)
    world.end(booking)
    with pytest.raises(PermanentFailure, match="released"):
        world.deliver(booking)


def test_a_release_after_the_delivery_is_for_the_dead_letters(world: World) -> None:
    voucher, booking = world.voucher(180), new_id()
    world.hold(voucher, booking)
    world.deliver(booking)
    with pytest.raises(PermanentFailure, match="delivered before"):
        world.end(booking)
    assert world.now_of(voucher).balance.consumed == 60


def test_bookings_without_a_voucher_are_none_of_our_business(world: World) -> None:
    booking = new_id()
    world.end(booking, with_voucher=False)
    world.deliver(booking, with_voucher=False)
    with world.database.read() as connection:
        assert holds.find(connection, booking) is None


class TestSeveralAtOnce:
    """As a worker ends them when their events wait at the same time."""

    def test_each_ends_in_its_own_way_and_once(self, world: World) -> None:
        voucher, other, late = world.voucher(180), world.voucher(180), new_id()
        visits = [new_id() for _ in range(3)]
        for booking in visits:
            world.hold(voucher, booking)
        world.hold(other, elsewhere := new_id())
        events = [world.message(BookingDelivered, each) for each in visits[:2]]
        events += [world.message(BookingCancelled, visits[2]), world.message(BookingLapsed, elsewhere)]
        events += [world.message(BookingRefused, late)]
        world.run(world.end_holds, events)
        world.run(world.end_holds, events)
        assert world.now_of(voucher).balance == Balance(issued=180, available=60, consumed=120)
        assert world.now_of(other).balance == Balance(issued=180, available=180)
        kinds = [entry.kind for entry in world.entries(voucher)]
        assert kinds == ["issue", "reserve", "reserve", "reserve", "release", "consume", "consume"]
        with pytest.raises(Refusal) as refused:
            world.hold(voucher, late)
        assert refused.value.type == "booking-already-released"
        assert world.verified().faults == ()
        assert world.differences() == []

    def test_one_that_cannot_be_keeps_all_as_they_were(self, world: World) -> None:
        voucher, booking = world.voucher(180), new_id()
        world.hold(voucher, booking)
        events = [world.message(BookingDelivered, each) for each in (booking, new_id())]
        with pytest.raises(PermanentFailure, match="no hold"):
            world.run(world.end_holds, events)
        assert world.now_of(voucher).balance.reserved == 60

    def test_a_voucher_that_is_used_up_is_told_of_where_its_visit_was(self, world: World) -> None:
        vouchers = [world.voucher(60) for _ in range(2)]
        traces = [f"{number:032x}" for number in (1, 2)]
        events = []
        for voucher, trace in zip(vouchers, traces, strict=True):
            world.hold(voucher, booking := new_id())
            visit = world.message(BookingDelivered, booking)
            events.append(replace(visit, traceparent=f"00-{trace}-{1:016x}-00"))
        world.run(world.end_holds, events)
        told = [world.events(voucher)[-1] for voucher in vouchers]
        assert {each.type for each in told} == {VoucherExhausted.event_type()}
        assert [each.traceparent.split("-")[1] for each in told] == traces


class TestExhaustion:
    def test_is_told_when_nothing_is_available_or_held_any_more(self, world: World) -> None:
        voucher, one, other = world.voucher(120), new_id(), new_id()
        world.hold(voucher, one)
        world.hold(voucher, other)
        world.deliver(one)
        assert len(world.events(voucher)) == 2
        world.deliver(other)
        *_, told = world.events(voucher)
        assert (told.type, told.sequence, told.public) == (VoucherExhausted.event_type(), 3, False)
        assert VoucherExhausted.model_validate_json(bytes(told.data)).voucher_id == voucher.id
        assert world.now_of(voucher).version == 3

    def test_is_not_told_while_something_is_left(self, world: World) -> None:
        voucher, booking = world.voucher(61), new_id()
        world.hold(voucher, booking)
        world.deliver(booking)
        assert len(world.events(voucher)) == 2
