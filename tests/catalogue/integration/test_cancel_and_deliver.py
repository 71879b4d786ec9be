"""What happens to a confirmed booking: cancelled, or delivered with the person's code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from services.catalogue.application.cancel_booking import CancelBooking
from services.catalogue.application.get_delivery_code import GetDeliveryCode
from services.catalogue.application.record_delivery import RecordDelivery
from services.catalogue.domain.booking import State
from services.catalogue.persistence import tables
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from services.chassis.sealing import SealBroken
from services.contracts.events.catalogue import BookingCancelled, BookingDelivered
from tests.catalogue.world import REASONS, SECRET, TUESDAY_NINE, World, acting, citizen, staff

EARLIEST = timedelta(minutes=15)
AURORA_STAFF, AURORA_SYSTEM = staff("provider_staff:aurora"), staff("provider_client:aurora")


@pytest.fixture
def cancel(world: World) -> CancelBooking:
    return CancelBooking(world.bookings, REASONS, world.database, world.clock)


@pytest.fixture
def deliver(world: World) -> RecordDelivery:
    return RecordDelivery(world.bookings, SECRET, EARLIEST, world.clock)


@pytest.fixture
def code_of(world: World) -> GetDeliveryCode:
    return GetDeliveryCode(world.database, SECRET, world.clock)


def type_of(call: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    return caught.value.type


def at_the_visit(world: World) -> None:
    world.clock.advance(TUESDAY_NINE - world.clock.now())


def test_the_person_cancels_and_the_seat_is_free(world: World, cancel: CancelBooking) -> None:
    booking = world.book()
    cancelled = cancel(booking.id, None, citizen(booking.person_id))
    assert (cancelled.state, cancelled.cancelled_by, cancelled.version) == (State.CANCELLED, "citizen", 2)
    assert world.taken(booking.slot_id) == 0
    event = world.events()[-1]
    assert (event.type, event.sequence, event.public) == (BookingCancelled.event_type(), 2, True)
    assert event.routing_key == "booking.cancelled.L319.aurora"
    told = BookingCancelled.model_validate_json(event.data)
    assert (told.booking_id, told.cancelled_by) == (booking.id, "citizen")
    assert type_of(cancel, booking.id, None, citizen(booking.person_id)) == "booking-already-cancelled"
    assert len(world.events()) == 2
    world.check_invariants()


@pytest.mark.parametrize(
    ("roles", "part"),
    [
        (["provider_staff:aurora"], "provider"),
        (["provider_client:aurora"], "provider"),
        (["social_worker:L319"], "service"),
        (["comune_officer:L319"], "service"),
    ],
)
def test_others_cancel_with_a_reason(
    world: World, cancel: CancelBooking, roles: list[str], part: str
) -> None:
    booking = world.book()
    assert type_of(cancel, booking.id, None, staff(*roles)) == "invalid-field"
    cancelled = cancel(booking.id, "Operatrice malata", staff(*roles))
    assert (cancelled.cancelled_by, REASONS.shown(cancelled, staff(*roles))) == (part, "Operatrice malata")
    assert b"malata" not in world.events()[-1].data
    (kept,) = world.rows(sa.select(tables.booking))
    assert "malata" not in str(kept)


def test_words_open_for_their_booking_only(world: World, cancel: CancelBooking) -> None:
    """Whoever could write the table could not have the words of one told to another."""
    first, second = world.book(), world.book()
    words = cancel(first.id, "Ricoverata in ospedale", citizen(first.person_id)).reason_sealed
    cancel(second.id, "Altro", citizen(second.person_id))
    world.update(tables.booking, tables.booking.c.id == second.id, reason_sealed=words)
    other = world.bookings.get(second.id)
    assert other is not None
    with pytest.raises(SealBroken):
        REASONS.shown(other, citizen(second.person_id))


def test_the_notice_binds_citizens_only(world: World, cancel: CancelBooking) -> None:
    booking = world.book(world.slot(starts_at=TUESDAY_NINE))
    world.clock.advance(TUESDAY_NINE - timedelta(hours=24) - world.clock.now())
    other = world.book(world.slot("ginnastica-aurora", TUESDAY_NINE))
    cancel(other.id, None, citizen(other.person_id))  # to the second in time
    world.clock.advance(timedelta(seconds=1))
    with pytest.raises(Refusal) as caught:
        cancel(booking.id, None, acting(booking.person_id, "book"))
    assert caught.value.type == "booking-too-late-to-cancel"
    assert caught.value.facts["cancellable_until"] == "2026-11-30T09:00+01:00"
    assert cancel(booking.id, "ill", AURORA_STAFF).state is State.CANCELLED


def test_the_ambito_may_count_every_day(world: World, cancel: CancelBooking) -> None:
    monday = TUESDAY_NINE - timedelta(days=1)
    booking = world.book(world.slot(starts_at=monday))
    world.clock.advance(monday - timedelta(hours=25) - world.clock.now())  # on Sunday, which does not count
    caller = citizen(booking.person_id)
    assert type_of(cancel, booking.id, None, caller) == "booking-too-late-to-cancel"
    world.update(tables.ambito, cancellation_notice_skips_holidays=False)
    assert cancel(booking.id, None, caller).state is State.CANCELLED


def test_who_has_an_interest_cancels_no_visit_that_has_begun(world: World, cancel: CancelBooking) -> None:
    booking = world.book(world.slot(starts_at=TUESDAY_NINE))
    at_the_visit(world)
    both = acting(booking.person_id, "book", roles=["comune_officer:L319"])
    for caller in (citizen(booking.person_id), AURORA_STAFF, both):
        assert type_of(cancel, booking.id, "too late", caller) == "booking-started"
    for part in ("citizen", "provider"):  # and the statement itself, for who comes late, does not either
        now = world.clock.now()
        assert world.bookings.cancel(booking.id, part, "too late", "x", now) is None
    assert world.taken(booking.slot_id) == 1


@pytest.mark.parametrize("role", ["social_worker", "comune_officer"])
def test_an_office_closes_a_visit_that_can_no_longer_be_proven(
    world: World, cancel: CancelBooking, deliver: RecordDelivery, code_of: GetDeliveryCode, role: str
) -> None:
    """Or its voucher's hold would stay open for ever."""
    booking = world.book(world.slot(starts_at=TUESDAY_NINE), voucher=new_id())
    code = code_of(booking.id, citizen(booking.person_id))
    world.clock.advance(TUESDAY_NINE + timedelta(days=3) - world.clock.now())
    for _ in range(5):
        world.bookings.count_wrong_code(booking.id)
    assert type_of(deliver, booking.id, code, AURORA_STAFF) == "delivery-code-locked"
    assert type_of(cancel, booking.id, "Visita mai fatta", staff(f"{role}:L733")) == "not-found"
    assert type_of(cancel, booking.id, None, staff(f"{role}:L319")) == "invalid-field"
    closed = cancel(booking.id, "Visita mai fatta", staff(f"{role}:L319"))
    assert (closed.state, closed.cancelled_by) == (State.CANCELLED, "service")
    assert REASONS.shown(closed, staff("social_worker:L319")) == "Visita mai fatta"
    event = world.events()[-1]
    assert (event.type, event.sequence) == (BookingCancelled.event_type(), 2)
    told = BookingCancelled.model_validate_json(event.data)
    assert (told.booking_id, told.cancelled_by, told.with_voucher) == (booking.id, "service", True)
    world.check_invariants()


def test_the_visit_is_proven_with_her_code(
    world: World, deliver: RecordDelivery, code_of: GetDeliveryCode, cancel: CancelBooking
) -> None:
    booking = world.book(world.slot(starts_at=TUESDAY_NINE))
    code = code_of(booking.id, citizen(booking.person_id))
    at_the_visit(world)
    delivered = deliver(booking.id, code, AURORA_SYSTEM)
    assert (delivered.state, delivered.version) == (State.DELIVERED, 2)
    event = world.events()[-1]
    assert (event.type, event.sequence, event.public) == (BookingDelivered.event_type(), 2, True)
    assert BookingDelivered.model_validate_json(event.data).delivered_at == TUESDAY_NINE
    assert type_of(deliver, booking.id, code, AURORA_STAFF) == "booking-already-delivered"
    assert type_of(cancel, booking.id, "x", AURORA_STAFF) == "booking-already-delivered"
    assert type_of(code_of, booking.id, citizen(booking.person_id)) == "booking-already-delivered"
    assert world.taken(booking.slot_id) == 1
    world.check_invariants()


def test_not_before_its_time(world: World, deliver: RecordDelivery, code_of: GetDeliveryCode) -> None:
    booking = world.book(world.slot(starts_at=TUESDAY_NINE))
    code = code_of(booking.id, acting(booking.person_id, "book"))
    world.clock.advance(TUESDAY_NINE - EARLIEST - world.clock.now() - timedelta(seconds=1))
    with pytest.raises(Refusal) as caught:
        deliver(booking.id, code, AURORA_STAFF)
    assert caught.value.type == "delivery-too-early"
    assert caught.value.facts["recordable_from"] == "2026-12-01T08:45+01:00"
    world.clock.advance(timedelta(seconds=1))
    assert deliver(booking.id, code, AURORA_STAFF).state is State.DELIVERED


def test_five_wrong_codes_lock(world: World, deliver: RecordDelivery, code_of: GetDeliveryCode) -> None:
    booking = world.book(world.slot(starts_at=TUESDAY_NINE))
    code = code_of(booking.id, citizen(booking.person_id))
    at_the_visit(world)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(Refusal) as caught:
            deliver(booking.id, wrong, AURORA_STAFF)
        assert (caught.value.type, caught.value.facts["attempts_left"]) == ("delivery-code-wrong", left)
    assert type_of(deliver, booking.id, wrong, AURORA_STAFF) == "delivery-code-locked"
    assert type_of(deliver, booking.id, code, AURORA_STAFF) == "delivery-code-locked"
    assert len(world.events()) == 1


def test_one_booking_s_code_is_not_another_s(
    world: World, deliver: RecordDelivery, code_of: GetDeliveryCode
) -> None:
    first, second = (
        world.book(world.slot(starts_at=TUESDAY_NINE)),
        world.book(world.slot("ginnastica-aurora", TUESDAY_NINE)),
    )
    at_the_visit(world)
    code = code_of(first.id, citizen(first.person_id))
    assert type_of(deliver, second.id, code, AURORA_STAFF) == "delivery-code-wrong"
