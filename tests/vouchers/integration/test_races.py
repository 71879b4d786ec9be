"""Races: each is first run without its guard, to show that it is one, and then as the service does it."""

from collections.abc import Callable
from datetime import date
from functools import partial
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa

from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from services.vouchers.application.choose_provider import ChooseProviderCommand
from services.vouchers.domain.ledger import Balance
from services.vouchers.domain.voucher import Voucher
from services.vouchers.persistence import hold_endings, holds
from services.vouchers.persistence.hold_endings import Kept
from tests.vouchers.racing import at_once, waiting, whole
from tests.vouchers.world import AURORA, B1, B2, BETULLA, HOME_CARE, LAST, World, citizen


class TestThreeVisits:
    """A voucher worth three visits."""

    def test_is_overspent_when_it_is_read_before_it_is_changed(self, world: World) -> None:
        voucher = world.voucher(180)
        everybody_has_read = Barrier(20)

        def read_then_write() -> None:
            with world.database.transaction() as connection:
                query = sa.text("SELECT available, reserved FROM voucher WHERE id = :id")
                row = connection.execute(query, {"id": voucher.id}).one()
                everybody_has_read.wait()
                assert row.available >= 60
                change = sa.text("UPDATE voucher SET available = :a, reserved = :r WHERE id = :id")
                connection.execute(
                    change, {"a": row.available - 60, "r": row.reserved + 60, "id": voucher.id}
                )

        assert at_once([read_then_write] * 20) == {"done": 20}

    def test_pays_exactly_three_of_fifty(self, world: World) -> None:
        voucher = world.voucher(180)
        assert at_once([lambda: world.hold(voucher)] * 50) == {"done": 3, "voucher-exhausted": 47}
        assert world.now_of(voucher).balance == Balance(issued=180, reserved=180)
        assert [entry.available for entry in world.entries(voucher)] == [180, 120, 60, 0]
        assert whole(world)

    def test_one_booking_asked_for_twenty_times_takes_one(self, world: World) -> None:
        voucher, booking = world.voucher(180), new_id()
        answers = set()
        assert at_once([lambda: answers.add(world.hold(voucher, booking))] * 20) == {"done": 20}
        assert len(answers) == 1
        assert world.now_of(voucher).balance.reserved == 60
        assert whole(world)


class TestLastEuro:
    """A budget that suffices for three vouchers of one hour, and twenty issuers."""

    @pytest.fixture
    def plans(self, world: World) -> list[Any]:
        world.settle(allocated_cents=3 * 2200 + 2199)
        return [world.signed(world.person(), 60) for _ in range(20)]

    def test_is_spent_twice_when_it_is_read_before_it_is_changed(
        self, world: World, plans: list[Any]
    ) -> None:
        everybody_has_read = Barrier(len(plans))

        def read_then_write() -> None:
            with world.database.transaction() as connection:
                query = sa.text("SELECT allocated_cents, committed_cents FROM budget WHERE comune = 'L319'")
                row = connection.execute(query).one()
                everybody_has_read.wait()
                assert row.committed_cents + 2200 <= row.allocated_cents
                change = sa.text("UPDATE budget SET committed_cents = :c WHERE comune = 'L319'")
                connection.execute(change, {"c": row.committed_cents + 2200})

        assert at_once([read_then_write] * len(plans)) == {"done": 20}

    def test_is_spent_once(self, world: World, plans: list[Any]) -> None:
        issues = [partial(world.issued, plan) for plan in plans]
        assert at_once(issues) == {"done": 3, "budget-exhausted": 17}
        assert world.budget().committed_cents == 3 * 2200
        assert whole(world)


class TestOnePerson:
    """Two officers at work for the same person."""

    def test_a_line_is_not_issued_twice(self, world: World) -> None:
        plan = world.signed(world.person(), 1200)
        answers = at_once([lambda: world.issued(plan, 600)] * 8)
        assert answers == {"done": 1, "voucher-already-issued": 7}
        assert whole(world)

    def test_a_line_is_not_overissued(self, world: World) -> None:
        plan = world.signed(world.person(), 1200)
        months = [(date(2026, month, 1), date(2026, month, 28)) for month in (3, 4, 5, 6)]
        issues = [partial(world.issued, plan, 600, valid_from=first, valid_to=last) for first, last in months]
        assert at_once(issues) == {"done": 2, "plan-line-exhausted": 2}

    def test_incompatible_measures_do_not_both_pass(self, world: World) -> None:
        person = world.person()
        plans = [
            world.signed(person, lines=[{"measure": measure, "service": HOME_CARE, "quantity": 60}])
            for measure in (B1, B2)
        ]
        answers = at_once([partial(world.issued, plan) for plan in plans])
        assert answers == {"done": 1, "incompatible-measures": 1}


class TestHoldAgainstRelease:
    def test_without_a_tombstone_a_late_hold_is_held_for_ever(self, world: World) -> None:
        voucher, booking = world.voucher(), new_id()
        with world.database.transaction() as connection:
            assumed = {booking: Kept(voucher.id, "open")}
            assert hold_endings.release(connection, assumed, world.clock.now()) == {}
        world.hold(voucher, booking)
        assert world.now_of(voucher).balance.reserved == 60

    def test_whoever_comes_first_nothing_stays_held(self, world: World) -> None:
        voucher = world.voucher(1200)
        bookings = [new_id() for _ in range(20)]

        def hold(booking: UUID) -> Callable[[], Any]:
            return lambda: world.hold(voucher, booking)

        def release(booking: UUID) -> Callable[[], Any]:
            return lambda: world.end(booking)

        actions = [make(booking) for booking in bookings for make in (hold, release)]
        answers = at_once(actions)
        assert answers.keys() <= {"done", "booking-already-released"}
        assert world.now_of(voucher).balance == Balance(issued=1200, available=1200)
        assert whole(world)

    def test_a_release_waits_for_a_hold_that_is_being_written(
        self, world: World, superuser: psycopg.Connection
    ) -> None:
        voucher, booking = world.voucher(), new_id()
        with waiting(superuser) as pool:
            with world.database.transaction() as connection:
                wanted = holds.WantedHold(
                    booking, voucher.id, voucher.person_id, AURORA, HOME_CARE, date(2026, 3, 10), 60, 2200
                )
                assert holds.reserve(connection, wanted, world.clock.now())
                release = pool.start(lambda: world.end(booking))
            release.result(30)
        assert world.now_of(voucher).balance.reserved == 0
        assert whole(world)


class TestProviderChangeAgainstHold:
    """A change of cooperative is being written when a hold for the old one arrives and waits for the row."""

    NAIVE = sa.text(
        "UPDATE voucher SET available = available - 60, reserved = reserved + 60"
        " WHERE id = :id AND available >= 60 AND EXISTS (SELECT FROM assignment"
        " WHERE voucher_id = voucher.id AND provider = 'aurora' AND replaced_at IS NULL"
        " AND daterange(valid_from, valid_to, '[]') @> DATE '2026-04-15')"
    )

    def change(self, world: World, voucher: Voucher, connection: sa.Connection) -> None:
        command = ChooseProviderCommand(voucher_id=voucher.id, provider=BETULLA, valid_from="2026-04-01")
        world.choose(connection, citizen(voucher.person_id), command)

    def test_a_condition_on_another_table_still_sees_the_old_one(
        self, world: World, superuser: psycopg.Connection
    ) -> None:
        voucher = world.voucher()

        def naive() -> int:
            with world.database.transaction() as connection:
                return connection.execute(self.NAIVE, {"id": voucher.id}).rowcount

        with waiting(superuser) as pool:
            with world.database.transaction() as connection:
                self.change(world, voucher, connection)
                held = pool.start(naive)
            assert held.result(30) == 1, "the race is gone: PostgreSQL looked at the assignments again"
        assert world.now_of(voucher).assignments.on(date(2026, 4, 15)).provider == BETULLA  # type: ignore[union-attr]

    def test_the_row_tells_the_truth(self, world: World, superuser: psycopg.Connection) -> None:
        voucher = world.voucher()
        with waiting(superuser) as pool:
            with world.database.transaction() as connection:
                self.change(world, voucher, connection)
                held = pool.start(lambda: world.hold(voucher, service_date="2026-04-15"))
            with pytest.raises(Refusal) as refused:
                held.result(30)
        assert refused.value.type == "provider-not-chosen"
        assert world.now_of(voucher).balance.reserved == 0
        assert whole(world)

    def test_many_at_once_leave_no_hold_with_the_wrong_cooperative(self, world: World) -> None:
        voucher = world.voucher(1200)
        late: dict[str, Any] = {"service_date": "2026-04-15"}
        actions: list[Callable[[], Any]] = [lambda: world.hold(voucher, **late)] * 10
        actions.insert(5, lambda: world.chosen(voucher, BETULLA, date(2026, 4, 1)))
        answers = at_once(actions)
        assert answers["done"] + answers["provider-not-chosen"] == 11
        with pytest.raises(Refusal):
            world.hold(voucher, **late)
        assert world.hold(voucher, provider=BETULLA, **late)
        assert whole(world)


def test_a_hold_that_waited_sees_what_the_one_before_it_left(
    world: World, superuser: psycopg.Connection
) -> None:
    voucher = world.voucher(60)
    with waiting(superuser) as pool:
        with world.database.transaction() as connection:
            wanted = holds.WantedHold(
                new_id(), voucher.id, voucher.person_id, AURORA, HOME_CARE, LAST, 60, 2200
            )
            assert holds.reserve(connection, wanted, world.clock.now())
            second = pool.start(lambda: world.hold(voucher))
        with pytest.raises(Refusal) as refused:
            second.result(30)
    assert refused.value.type == "voucher-exhausted"
    assert whole(world)
