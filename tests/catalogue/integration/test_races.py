"""Many at once. Each race is shown first without its guard, or the test would prove nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.catalogue.application.booking_events import BOOKING_EVENTS
from services.catalogue.application.change_accreditation import (
    ChangeAccreditation,
    ChangeAccreditationCommand,
)
from services.catalogue.domain.accreditation import Standing
from services.catalogue.domain.booking import CONFIRM, Booking
from services.catalogue.domain.delivery_code import delivery_code
from services.catalogue.persistence import tables
from services.catalogue.persistence.booking_statements import NOW, move_booking
from services.chassis.idempotency import IdempotencyKeyReused
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from services.chassis.statements import Statement
from tests.catalogue.world import AURORA, SECRET, SECTION, World, staff
from tests.support.polling import eventually
from tests.support.statements import statements_through

THREADS = 20


def refusal_or_booking(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Refusal as refusal:
        return refusal


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work` returned or refused, of `count` calls, as many at a time as there are threads."""
    together = Barrier(min(count, THREADS))

    def one(number: int) -> Any:
        if number < THREADS:
            together.wait(20)
        return refusal_or_booking(lambda: work(number))

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(count)))


def kinds(answers: list[Any]) -> Counter[str]:
    return Counter(a.state.value if isinstance(a, Booking) else a.type for a in answers)


@contextmanager
def no_condition(condition: str) -> Iterator[None]:
    """Inside, statements run without this condition; it must have been there."""
    removed = 0

    def remove(_place: object, sql: str, _parameters: object) -> str:
        nonlocal removed
        removed += condition in sql
        return sql.replace(condition, "true")

    with statements_through(remove):
        yield
    assert removed


@contextmanager
def no_constraint(world: World, table: str, name: str, definition: str) -> Iterator[None]:
    def run(text: str) -> None:
        with world.database.transaction() as connection:
            connection.execute(sa.text(text))

    run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    try:
        yield
    finally:
        run("TRUNCATE slot, booking, idempotency, outbox")
        run(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


CAPACITY = "slot.taken < slot.capacity"


def test_without_guards_a_slot_is_oversold(world: World) -> None:
    slot, people = world.slot(capacity=5), [world.person() for _ in range(20)]
    with (
        no_constraint(world, "slot", "slot_seats", "CHECK (taken BETWEEN 0 AND capacity)"),
        no_condition(CAPACITY),
    ):
        answers = at_once(20, lambda n: world.book(slot, people[n]))
        assert kinds(answers) == {"confirmed": 20}
        assert world.taken(slot) == 20


def test_with_a_look_before_instead_of_a_condition_a_slot_is_oversold(world: World) -> None:
    """The usual mistake: everybody looks, everybody sees the last seat, everybody takes it."""
    slot, people = world.slot(capacity=1), [world.person() for _ in range(2)]
    looked = Barrier(2)

    def look_then_take(number: int) -> Any:
        assert world.taken(slot) < 1
        looked.wait(20)
        return world.book(slot, people[number])

    with (
        no_constraint(world, "slot", "slot_seats", "CHECK (taken BETWEEN 0 AND capacity)"),
        no_condition(CAPACITY),
    ):
        assert kinds(at_once(2, look_then_take)) == {"confirmed": 2}


def test_the_constraint_alone_would_hold_too(world: World) -> None:
    slot = world.slot(capacity=1)
    with no_condition(CAPACITY):
        world.book(slot)
        with pytest.raises(sa.exc.IntegrityError, match="slot_seats"):
            world.book(slot)
    world.check_invariants()


def test_two_hundred_bookings_of_fifty_seats(world: World) -> None:
    slot, people = world.slot(capacity=50), [world.person() for _ in range(20)]
    answers = at_once(200, lambda n: world.book(slot, people[n % 20]))
    assert kinds(answers) == {"confirmed": 50, "slot-full": 150}
    assert world.taken(slot) == 50
    assert len(world.events()) == 50
    world.check_invariants()


def test_two_hundred_bookings_with_vouchers_of_fifty_seats(world: World) -> None:
    slot, people = world.slot(capacity=50), [world.person() for _ in range(20)]
    answers = at_once(200, lambda n: world.book(slot, people[n % 20], voucher=new_id()))
    assert kinds(answers) == {"confirmed": 50, "slot-full": 150}
    assert len(world.holds.asked) == 50
    world.check_invariants()


def one_request_sent_twice_while_the_slot_is_locked(world: World) -> list[Any]:
    """What both get: each has looked for the key, and found none, before either takes the seat."""
    slot, person = world.slot(capacity=50), world.person()
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with ThreadPoolExecutor(2) as pool:
        with world.database.transaction() as connection:
            connection.execute(sa.select(tables.slot).where(tables.slot.c.id == slot).with_for_update())
            both = [
                pool.submit(refusal_or_booking, lambda: world.book(slot, person, key="k")) for _ in range(2)
            ]
            eventually(lambda: connection.scalar(sa.text(waiting)) == 2, timeout_seconds=20)
        return [each.result(30) for each in both]


def test_without_the_unique_key_one_request_books_twice(world: World) -> None:
    with no_constraint(world, "idempotency", "idempotency_pkey", "PRIMARY KEY (actor, key)"):
        first, second = one_request_sent_twice_while_the_slot_is_locked(world)
        assert first.id != second.id


def test_one_request_sent_twice_while_the_slot_is_locked_is_one_booking(world: World) -> None:
    first, second = one_request_sent_twice_while_the_slot_is_locked(world)
    assert first == second
    assert len(world.events()) == 1
    world.check_invariants()


@pytest.mark.parametrize(
    "voucher", [None, UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40")], ids=["free", "voucher"]
)
def test_one_request_sent_twenty_times_is_one_booking(world: World, voucher: UUID | None) -> None:
    slot, person = world.slot(capacity=50), world.person()
    answers = at_once(20, lambda n: world.book(slot, person, voucher=voucher, key="k"))
    assert {(answer.id, answer.state.value) for answer in answers} == {(answers[0].id, "confirmed")}
    assert world.taken(slot) == 1
    assert len(world.events()) == 1
    assert set(world.holds.asked) == ({answers[0].id} if voucher else set())
    with pytest.raises(IdempotencyKeyReused):
        world.book(slot, person, voucher=new_id(), key="k")
    world.check_invariants()


def test_one_refused_request_sent_twenty_times_is_refused_once(world: World) -> None:
    class Exhausted(Refusal):
        kind = IdempotencyKeyReused.kind
        type = "voucher-exhausted"
        it = en = "-"

    slot, person, voucher = world.slot(), world.person(), new_id()
    world.holds.replies = [Exhausted()] * 20
    answers = at_once(20, lambda n: world.book(slot, person, voucher=voucher, key="k"))
    assert kinds(answers) == {"voucher-exhausted": 20}
    assert world.taken(slot) == 0
    assert len(world.events()) == 1
    world.check_invariants()


def test_cancel_and_deliver_at_once_is_one_of_them(world: World) -> None:
    for _ in range(5):
        booking = world.book()
        now = world.clock.now()
        moves = [
            lambda: world.bookings.cancel(booking.id, "provider", "ill", "x", now),  # noqa: B023 - run before the next turn
            lambda: world.bookings.deliver(booking.id, booking.starts_at, "x", now),  # noqa: B023
        ]
        answers = at_once(8, lambda n: moves[n % 2]())  # noqa: B023
        assert sum(answer is not None for answer in answers) == 1
    world.check_invariants()


@pytest.mark.parametrize("guarded", [False, True], ids=["without its guard", "with it"])
def test_a_suspension_reaches_a_booking_that_waits_for_its_seat(world: World, guarded: bool) -> None:
    """The statement that takes the seat looks at the register before it waits, and not again afterwards."""
    if not guarded:
        in_time = tables.booking.c.held_until > NOW
        world.bookings._confirm = Statement(move_booking(CONFIRM, BOOKING_EVENTS[CONFIRM], in_time))
    world.book(world.slot("sad-brezza"))  # of a cooperative that stays accredited
    slot, person = world.slot(), world.person()
    suspend = ChangeAccreditation(world.database, world.clock)
    with ThreadPoolExecutor(1) as pool:
        with world.database.transaction() as connection:
            connection.execute(sa.select(tables.slot.c.id).where(tables.slot.c.id == slot).with_for_update())
            answer = pool.submit(refusal_or_booking, lambda: world.book(slot, person, voucher=new_id()))
            _until_somebody_waits_for_a_lock(world)
            suspend(SUSPENSION, staff("plan_office:tradate"))
        after = answer.result(20)
    assert kinds([after]) == {"provider-not-accredited" if guarded else "confirmed": 1}
    assert world.taken(slot) == (0 if guarded else 1)
    world.check_invariants()


SUSPENSION = ChangeAccreditationCommand(
    provider=AURORA,
    section=SECTION,
    state=Standing.SUSPENDED,
    valid_from=None,
    valid_to=None,
    reason="Delibera 12/2026",
)


def _until_somebody_waits_for_a_lock(world: World) -> None:
    query = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
    deadline = monotonic() + 20
    while True:
        with world.database.read() as connection:
            if connection.execute(query).scalar_one():
                return
        assert monotonic() < deadline, "nobody waits"


def test_a_hundred_guesses_at_once_count_five(world: World) -> None:
    booking = world.book()
    right = delivery_code(SECRET, booking.id)
    answers = at_once(100, lambda n: world.bookings.count_wrong_code(booking.id))
    assert sorted(answer for answer in answers if answer) == [1, 2, 3, 4, 5]
    assert right
    assert world.bookings.deliver(booking.id, booking.starts_at, "x", world.clock.now()) is None


def test_two_sweepers_share_the_work(world: World) -> None:
    slot = world.slot(capacity=40)
    world.holds.hold = _dies  # type: ignore[method-assign]
    for _ in range(40):
        with pytest.raises(KeyboardInterrupt):
            world.book(slot, voucher=new_id())
    now = world.rows(sa.select(sa.func.max(tables.booking.c.held_until)))[0][0]
    answers = at_once(45, lambda n: world.bookings.lapse_next_overdue("sweeper", now))
    lapsed = [answer.id for answer in answers if answer is not None]
    while (left := world.bookings.lapse_next_overdue("sweeper", now)) is not None:
        lapsed.append(left.id)
    assert len(lapsed) == len(set(lapsed)) == 40
    assert world.taken(slot) == 0
    world.check_invariants()


def _dies(booking: object, caller: object) -> None:
    raise KeyboardInterrupt
