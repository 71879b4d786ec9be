"""Holds: what is reserved, what is refused and why, and the same answer twice."""

from datetime import UTC, date, datetime
from typing import Any

import pydantic
import pytest

from services.chassis.caller import ANONYMOUS
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal, Unauthenticated
from services.vouchers.domain.ledger import Balance
from services.vouchers.persistence.holds import Reservation
from tests.vouchers.world import (
    BETULLA,
    MEAL_VOUCHER,
    MEALS,
    World,
    caller,
    citizen,
)


def refused(world: World, voucher: Any, **changes: Any) -> str:
    """The type of the refusal; nothing may have changed."""
    before, entries = world.now_of(voucher), world.entries(voucher)
    with pytest.raises(Refusal) as refusal:
        world.hold(voucher, **changes)
    assert (world.now_of(voucher), world.entries(voucher)) == (before, entries)
    assert world.differences() == []
    return refusal.value.type


def test_minutes_are_reserved_and_written_down(world: World) -> None:
    voucher, booking = world.voucher(180), new_id()
    assert world.hold(voucher, booking) == Reservation(quantity=60, available=120)
    assert world.now_of(voucher).balance == Balance(issued=180, available=120, reserved=60)
    entry = world.entries(voucher)[-1]
    assert (entry.sequence, entry.kind, entry.quantity, entry.amount_cents) == (2, "reserve", 60, 2200)
    assert (entry.booking_id, entry.provider, entry.service_date) == (booking, "aurora", date(2026, 3, 10))
    assert world.verified().faults == ()
    assert world.differences() == []


def test_a_voucher_in_cents_is_held_for_the_price(world: World) -> None:
    lines = [{"measure": MEAL_VOUCHER, "service": MEALS, "quantity": 2000}]
    voucher = world.chosen(world.issued(world.signed(world.person(), lines=lines)))
    assert world.hold(voucher, service=MEALS, minutes=30, cents=900) == Reservation(900, 1100)
    assert refused(world, voucher, service=MEALS, minutes=30, cents=1101) == "voucher-exhausted"
    assert refused(world, voucher, service=MEALS, minutes=30, cents=0) == "invalid-field"


def test_exactly_what_is_left_can_be_held(world: World) -> None:
    voucher = world.voucher(60)
    assert world.hold(voucher).available == 0
    assert refused(world, voucher, minutes=1) == "voucher-exhausted"


class TestReasons:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"service_date": "2026-06-30"}, None),
            ({"service_date": "2026-07-01"}, "voucher-expired"),
            ({"service_date": "2026-02-28"}, "voucher-not-yet-valid"),
            ({"service_date": "2026-03-01"}, "provider-not-chosen"),  # chosen from 2 March on
            ({"provider": BETULLA}, "provider-not-chosen"),
            ({"service": MEALS}, "service-not-covered"),
            ({"minutes": 1201}, "voucher-exhausted"),
            ({"voucher_id": new_id()}, "voucher-not-found"),
        ],
    )
    def test_are_exact(self, world: World, changes: dict[str, Any], reason: str | None) -> None:
        voucher = world.voucher(1200)
        if reason is None:
            assert world.hold(voucher, **changes).quantity == 60
        else:
            assert refused(world, voucher, **changes) == reason

    def test_a_voucher_without_a_choice(self, world: World) -> None:
        assert refused(world, world.issued(world.signed(world.person()))) == "provider-not-chosen"

    def test_after_a_change_each_day_has_its_own_cooperative(self, world: World) -> None:
        voucher = world.voucher()
        world.chosen(voucher, BETULLA, date(2026, 4, 1))
        assert world.hold(voucher, service_date="2026-03-31")
        assert refused(world, voucher, service_date="2026-04-01") == "provider-not-chosen"
        assert world.hold(voucher, service_date="2026-04-01", provider=BETULLA)
        assert refused(world, voucher, service_date="2026-03-31", provider=BETULLA) == "provider-not-chosen"

    def test_somebody_elses_voucher(self, world: World) -> None:
        voucher, other = world.voucher(), world.person()
        assert refused(world, voucher, by=citizen(other)) == "not-your-voucher"
        assert refused(world, voucher, by=citizen(other), person_id=other) == "not-your-voucher"

    def test_a_power_to_read_is_none_to_book(self, world: World) -> None:
        voucher = world.voucher()
        reader = caller("delegate", "citizen:*", acting_for={voucher.person_id: frozenset({"read"})})
        booker = caller("delegate", "citizen:*", acting_for={voucher.person_id: frozenset({"book"})})
        assert refused(world, voucher, by=reader) == "not-your-voucher"
        assert world.hold(voucher, by=booker)

    def test_without_a_token_nothing(self, world: World) -> None:
        voucher = world.voucher()
        with pytest.raises(Unauthenticated):
            world.hold(voucher, by=ANONYMOUS)


class TestLocalDays:
    """A service date is a local day; at the border of days and years nothing shifts."""

    @pytest.mark.parametrize("last", ["2026-03-28", "2026-03-29", "2026-06-30"])
    def test_the_last_day_is_the_last(self, world: World, last: str) -> None:
        voucher = world.chosen(world.issued(world.signed(world.person()), valid_to=last))
        assert world.hold(voucher, service_date=last)
        after = date.fromordinal(date.fromisoformat(last).toordinal() + 1)
        assert refused(world, voucher, service_date=after.isoformat()) == "voucher-expired"

    def test_today_begins_at_local_midnight(self, world: World) -> None:
        world.clock._instant = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # 00:30 on the 29th
        voucher = world.chosen(world.issued(world.signed(world.person())))
        assert voucher.assignments.items[0].first == date(2026, 3, 29)
        assert refused(world, voucher, service_date="2026-03-28") == "provider-not-chosen"


class TestRepetition:
    def test_gives_the_same_answer_and_moves_nothing(self, world: World) -> None:
        voucher, booking = world.voucher(180), new_id()
        first = world.hold(voucher, booking)
        world.hold(voucher)
        entries = world.entries(voucher)
        assert world.hold(voucher, booking) == first
        assert world.entries(voucher) == entries

    def test_gives_the_same_answer_even_after_the_visit(self, world: World) -> None:
        voucher, booking = world.voucher(60), new_id()
        first = world.hold(voucher, booking)
        world.deliver(booking)
        assert world.hold(voucher, booking) == first

    @pytest.mark.parametrize(
        "changes", [{"minutes": 61}, {"cents": 2300}, {"service_date": "2026-03-11"}, {"service": MEALS}]
    )
    def test_with_other_facts_is_refused(self, world: World, changes: dict[str, Any]) -> None:
        voucher, booking = world.voucher(), new_id()
        world.hold(voucher, booking)
        assert refused(world, voucher, booking=booking, **changes) == "booking-held-differently"

    def test_on_another_voucher_is_refused(self, world: World) -> None:
        person, booking = world.person(), new_id()
        one, other = world.voucher(person=person), world.voucher(person=person)
        world.hold(one, booking)
        assert refused(world, other, booking=booking) == "booking-held-differently"

    def test_by_somebody_else_tells_nothing(self, world: World) -> None:
        voucher, booking, other = world.voucher(), new_id(), world.person()
        world.hold(voucher, booking)
        assert (
            refused(world, voucher, booking=booking, by=citizen(other), person_id=other) == "not-your-voucher"
        )

    def test_after_a_release_is_refused_for_ever(self, world: World) -> None:
        voucher, booking = world.voucher(), new_id()
        world.hold(voucher, booking)
        world.end(booking)
        assert refused(world, voucher, booking=booking) == "booking-already-released"


@pytest.mark.parametrize(
    "changes",
    [
        {"booking_id": "1"},
        {"minutes": 0},
        {"minutes": -60},
        {"minutes": 1441},
        {"cents": -1},
        {"provider": "Aurora; DROP"},
        {"service_date": "10/03/2026"},
        {"service_date": ""},
    ],
)
def test_malformed_requests_name_their_field(world: World, changes: dict[str, Any]) -> None:
    voucher = world.voucher()
    with pytest.raises(pydantic.ValidationError) as invalid:
        world.hold(voucher, **changes)
    assert invalid.value.errors()[0]["loc"] == tuple(changes)
