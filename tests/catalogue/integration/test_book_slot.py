"""Booking, on a real database: what is taken, what is told, and every reason to say no."""

from __future__ import annotations

import json
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.catalogue.domain.booking import State
from services.catalogue.persistence import tables
from services.chassis.caller import ANONYMOUS
from services.chassis.idempotency import IdempotencyKeyReused
from services.chassis.ids import new_id
from services.chassis.refusal import Kind, Refusal, Unavailable
from services.contracts.events.catalogue import BookingConfirmed, BookingLapsed, BookingRefused
from tests.catalogue.world import (
    AURORA,
    NOW,
    SAD,
    TUESDAY_NINE,
    VEDANO,
    World,
    accredit,
    acting,
    citizen,
    command,
    staff,
)


class Exhausted(Refusal):
    kind = Kind.CONFLICT
    type = "voucher-exhausted"
    it = "Il buono è esaurito: {available} minuti."
    en = "The voucher is exhausted: {available} minutes."


def refusal_of(world: World, **wanted: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        world.book(**wanted)  # type: ignore[arg-type]
    world.check_invariants()
    return caught.value


def test_without_a_voucher_it_is_confirmed_at_once_and_told(world: World) -> None:
    slot, person = world.slot(capacity=2), world.person()
    booking = world.book(slot, person)
    assert booking.state is State.CONFIRMED
    assert (booking.version, booking.minutes, booking.price_cents) == (1, 60, 2250)
    assert booking.local_start.isoformat() == "2026-12-01T09:00:00+01:00"
    assert world.taken(slot) == 1
    assert world.holds.asked == []
    (event,) = world.events()
    assert (event.type, event.sequence, event.public) == (BookingConfirmed.event_type(), 1, True)
    assert event.routing_key == "booking.confirmed.L319.aurora"
    assert event.subject == str(booking.id)
    told = BookingConfirmed.model_validate_json(event.data)
    assert (told.booking_id, told.person_id, told.with_voucher) == (booking.id, person, False)
    assert (told.starts_at, told.provider) == (TUESDAY_NINE, AURORA)
    assert set(json.loads(event.data)) == set(BookingConfirmed.model_fields)
    assert SAD.encode() not in event.data


def test_with_a_voucher_it_is_held_then_confirmed(world: World) -> None:
    slot = world.slot()
    booking = world.book(slot, voucher=new_id())
    assert (booking.state, booking.version, booking.held_until) == (State.CONFIRMED, 1, None)
    assert world.holds.asked == [booking.id]
    assert [event.type for event in world.events()] == [BookingConfirmed.event_type()]
    assert BookingConfirmed.model_validate_json(world.events()[0].data).with_voucher
    world.check_invariants()


def test_a_refused_voucher_gives_the_seat_back_and_its_words_to_the_caller(world: World) -> None:
    slot, person = world.slot(), world.person()
    world.holds.replies = [Exhausted(available=30)]
    for _ in range(2):  # the same again is told the same, without asking again
        refusal = refusal_of(world, slot=slot, person=person, voucher=_VOUCHER, key="k")
        assert (refusal.type, refusal.kind) == ("voucher-exhausted", Kind.CONFLICT)
        assert refusal.message("it") == "Il buono è esaurito: 30 minuti."
    assert world.taken(slot) == 0
    assert len(world.holds.asked) == 1
    (event,) = world.events()
    assert (event.type, event.public) == (BookingRefused.event_type(), False)
    assert BookingRefused.model_validate_json(event.data).reason == "voucher-exhausted"


_VOUCHER = UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40")


@pytest.mark.parametrize(
    "reply",
    [Unavailable(retry_after_seconds=2), Exhausted(available=0, retry_after_seconds=1)],
    ids=["no answer", "not yet"],
)
def test_no_answer_frees_the_seat_and_the_key(world: World, reply: Refusal) -> None:
    slot, person = world.slot(), world.person()
    world.holds.replies = [reply]
    refusal = refusal_of(world, slot=slot, person=person, voucher=_VOUCHER, key="k")
    assert refusal.type == reply.type
    assert refusal.retry_after_seconds == reply.retry_after_seconds
    assert world.taken(slot) == 0
    booking = world.book(slot, person, voucher=_VOUCHER, key="k")
    assert booking.state is State.CONFIRMED
    assert booking.id != world.holds.asked[0]  # a new one: the hold of the first, if any, is released
    assert [event.type for event in world.events()] == [
        BookingRefused.event_type(),
        BookingConfirmed.event_type(),
    ]


def test_a_request_that_died_is_continued_by_the_same_key(world: World) -> None:
    slot, person = world.slot(), world.person()
    world.holds.hold = _dies  # type: ignore[method-assign]
    with pytest.raises(ProcessDiedError):
        world.book(slot, person, voucher=_VOUCHER, key="k")
    (held,) = world.rows(sa.select(tables.booking))
    assert (held.state, held.version, world.taken(slot)) == ("held", 0, 1)
    del world.holds.hold
    booking = world.book(slot, person, voucher=_VOUCHER, key="k")
    assert (booking.id, booking.state) == (held.id, State.CONFIRMED)
    world.check_invariants()


def test_a_request_that_died_for_too_long_has_lapsed(world: World) -> None:
    slot, person = world.slot(), world.person()
    world.holds.hold = _dies  # type: ignore[method-assign]
    with pytest.raises(ProcessDiedError):
        world.book(slot, person, voucher=_VOUCHER, key="k")
    del world.holds.hold
    world.clock.advance(timedelta(seconds=120))
    for _ in range(2):
        assert refusal_of(world, slot=slot, person=person, voucher=_VOUCHER, key="k").type == "booking-lapsed"
    assert world.holds.asked == []
    assert world.taken(slot) == 0
    assert [event.type for event in world.events()] == [BookingLapsed.event_type()]


def test_a_hold_that_took_too_long_is_not_confirmed(world: World) -> None:
    slot, hold = world.slot(), world.holds.hold

    def slow(booking: object, caller: object) -> None:
        hold(booking, caller)  # type: ignore[arg-type]
        world.clock.advance(timedelta(seconds=121))

    world.holds.hold = slow  # type: ignore[method-assign]
    assert refusal_of(world, slot=slot, voucher=_VOUCHER).type == "booking-lapsed"
    assert world.taken(slot) == 0
    assert [event.type for event in world.events()] == [BookingLapsed.event_type()]


class ProcessDiedError(BaseException):
    """Stands for a kill -9: nothing after it runs."""


def _dies(booking: object, caller: object) -> None:
    raise ProcessDiedError


def test_a_key_belongs_to_one_request(world: World) -> None:
    slot, other, person = world.slot(), world.slot(), world.person()
    first = world.book(slot, person, key="k")
    assert world.book(slot, person, key="k") == first
    with pytest.raises(IdempotencyKeyReused):
        world.book(other, person, key="k")
    assert len(world.events()) == 1
    assert world.taken(other) == 0


def test_keys_of_two_callers_are_two(world: World) -> None:
    slot = world.slot(capacity=2)
    assert world.book(slot, key="k").id != world.book(slot, key="k").id


def test_without_a_key_there_is_no_booking(world: World) -> None:
    person = world.person()
    with pytest.raises(Refusal) as caught:
        world.book_slot(command(world.slot(), person, None, None), citizen(person))
    assert caught.value.type == "idempotency-key-required"


def test_a_full_slot_offers_the_nearest_others(world: World) -> None:
    slot = world.slot(starts_at=TUESDAY_NINE)
    later = [world.slot(starts_at=TUESDAY_NINE + timedelta(hours=hours)) for hours in (5, 2, 30, 48)]
    elsewhere = world.slot("sad-brezza", TUESDAY_NINE + timedelta(hours=1))
    world.slot("ginnastica-aurora", TUESDAY_NINE)
    world.book(slot)
    refusal = refusal_of(world, slot=slot)
    assert refusal.type == "slot-full"
    assert refusal.facts["alternatives"] == f"{elsewhere},{later[1]},{later[0]}"
    assert len(world.events()) == 1


def test_every_other_reason_is_named(world: World) -> None:
    assert refusal_of(world, slot=new_id()).type == "not-found"
    assert refusal_of(world, slot=world.slot(starts_at=NOW)).type == "slot-past"
    assert refusal_of(world, slot=world.slot(withdrawn=True)).type == "slot-withdrawn"
    stranger = refusal_of(world, slot=world.slot(), person=new_id())
    assert (stranger.type, stranger.retry_after_seconds) == ("person-not-yet-known", 1)
    assert (
        refusal_of(world, slot=world.slot("sad-brezza"), person=world.person(VEDANO)).type
        == "comune-not-served"
    )
    closed = world.slot(closed_comuni=["L733"])
    assert refusal_of(world, slot=closed, person=world.person("L733")).type == "comune-not-served"
    assert world.book(closed).state is State.CONFIRMED
    world.update(tables.offering, tables.offering.c.id == "ginnastica-aurora", active=False)
    assert refusal_of(world, slot=world.slot("ginnastica-aurora")).type == "service-not-offered"


@pytest.mark.parametrize(
    ("first", "last", "state", "bookable"),
    [
        (
            date(2026, 12, 1),
            date(2026, 12, 1),
            "accredited",
            True,
        ),  # the very day, from its first to its last hour
        (date(2026, 12, 2), date(2026, 12, 31), "accredited", False),
        (date(2026, 1, 1), date(2026, 11, 30), "accredited", False),
        (date(2026, 1, 1), date(2027, 12, 31), "suspended", False),
        (date(2026, 1, 1), date(2027, 12, 31), "revoked", False),
    ],
)
def test_only_who_is_accredited_on_the_day_of_the_visit(
    world: World, first: date, last: date, state: str, bookable: bool
) -> None:
    entry = tables.accreditation
    world.update(entry, entry.c.provider == AURORA, valid_from=first, valid_to=last, state=state)
    late_evening = world.slot(starts_at=TUESDAY_NINE.replace(hour=22))  # 23:00 in Rome
    if bookable:
        assert world.book(late_evening).state is State.CONFIRMED
    else:
        refusal = refusal_of(world, slot=late_evening)
        assert (refusal.type, refusal.facts["service_date"]) == ("provider-not-accredited", date(2026, 12, 1))
    assert world.book(world.slot("ginnastica-aurora")).state is State.CONFIRMED  # needs no accreditation


def test_two_periods_of_one_section(world: World) -> None:
    entry = tables.accreditation
    world.update(entry, entry.c.provider == AURORA, valid_to=date(2026, 11, 30))
    accredit(world, AURORA, date(2026, 12, 1))
    assert world.book(world.slot()).state is State.CONFIRMED


def test_for_whom(world: World) -> None:
    person, slot = world.person(), world.slot(capacity=9)
    own = world.book_slot(command(slot, None, None, "k"), citizen(person))
    assert own.person_id == person
    assert world.book(slot, person, caller=acting(person, "book")).person_id == person
    for caller in (acting(person, "read"), citizen(world.person()), staff("provider_staff:aurora")):
        assert refusal_of(world, slot=slot, person=person, caller=caller).type == "forbidden"
    assert refusal_of(world, slot=slot, person=person, caller=ANONYMOUS).type == "unauthenticated"
    with pytest.raises(Refusal) as caught:
        world.book_slot(command(slot, None, None, "k"), staff("provider_staff:aurora"))
    assert (caught.value.type, caught.value.field) == ("invalid-field", "person_id")


def test_a_private_price_of_the_cooperative(world: World) -> None:
    offering = tables.offering
    world.update(offering, offering.c.id == "ginnastica-aurora", price_cents=1234)
    assert world.book(world.slot("ginnastica-aurora")).price_cents == 1234
