"""Slots and services as anybody sees them, lists of bookings, the register, persons and reconciliation."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.catalogue.application.cancel_booking import CancelBooking
from services.catalogue.application.change_accreditation import (
    ChangeAccreditation,
    ChangeAccreditationCommand,
)
from services.catalogue.application.get_service import GetService
from services.catalogue.application.list_bookings import ListBookings
from services.catalogue.application.list_slots import ListSlots, SlotQuery
from services.catalogue.application.reconcile import reconcile
from services.catalogue.application.remember_person import remember_person
from services.catalogue.domain.accreditation import Standing
from services.catalogue.domain.booking import Booking, State
from services.catalogue.domain.neutrality import shown_order
from services.catalogue.persistence import tables
from services.catalogue.persistence.booking_lists import BookingFilter
from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.messaging.received import Received
from services.chassis.refusal import Refusal
from services.contracts.events.catalogue import BookingRefused, ProviderPublished
from services.contracts.events.identity import PersonContactChanged, PersonRegistered
from tests.catalogue.world import (
    AURORA,
    NOW,
    REASONS,
    SAD,
    SECTION,
    TUESDAY_NINE,
    World,
    citizen,
    staff,
)
from tests.support.statements import noted

TUESDAY = date(2026, 12, 1)
OFFICE = staff("plan_office:tradate")


def slots_of(world: World, **changes: Any) -> list[Any]:
    values: dict[str, Any] = {
        "service": SAD,
        "provider": "",
        "comune": "",
        "from_date": TUESDAY,
        "to_date": TUESDAY,
    }
    return ListSlots(world.database, world.clock)(SlotQuery(**(values | changes)))


def test_free_slots_of_local_days(world: World) -> None:
    midnight = TUESDAY_NINE.replace(hour=23) - timedelta(days=1)  # 00:00 on Tuesday in Rome
    first = world.slot(starts_at=midnight, capacity=3)
    last = world.slot(starts_at=midnight + timedelta(hours=23))
    for other in (midnight - timedelta(hours=1), midnight + timedelta(hours=24)):
        world.slot(starts_at=other)
    world.book(first)
    rows = slots_of(world)
    assert [(UUID(row.id), row.free, row.capacity) for row in rows] == [(first, 2, 3), (last, 1, 1)]


def test_only_what_can_be_booked(world: World) -> None:
    full, free = world.slot(), world.slot()
    world.slot(withdrawn=True)
    world.slot("ginnastica-aurora")
    world.book(full)
    brezza = world.slot("sad-brezza")
    closed = world.slot(closed_comuni=["L733"])
    assert {UUID(row.id) for row in slots_of(world)} == {free, brezza, closed}
    assert {UUID(row.id) for row in slots_of(world, provider="brezza")} == {brezza}
    assert {UUID(row.id) for row in slots_of(world, comune="L733")} == {free}
    world.update(tables.accreditation, tables.accreditation.c.provider == AURORA, valid_to=date(2026, 11, 30))
    assert {UUID(row.id) for row in slots_of(world)} == {brezza}
    assert len(slots_of(world, service="ginnastica")) == 1
    world.clock.advance(TUESDAY_NINE + timedelta(days=1) - world.clock.now())
    assert slots_of(world) == []


def test_periods_and_services_that_cannot_be(world: World) -> None:
    for changes in ({"to_date": TUESDAY - timedelta(days=1)}, {"to_date": TUESDAY + timedelta(days=62)}):
        with pytest.raises(Refusal) as caught:
            slots_of(world, **changes)
        assert (caught.value.type, caught.value.field) == ("invalid-field", "to_date")
    assert slots_of(world, to_date=TUESDAY + timedelta(days=61)) == []
    with pytest.raises(Refusal) as caught:
        slots_of(world, service="unknown")
    assert caught.value.type == "not-found"


def test_slots_are_one_statement(world: World) -> None:
    for _ in range(5):
        world.slot()
    with noted(world.database) as words:
        assert len(slots_of(world)) == 5
    assert words == ["WITH"]


def test_a_service_shows_its_cooperatives_in_recorded_order(world: World) -> None:
    get = GetService(world.database, world.clock)
    shown = get(SAD)
    assert [row.id for row in shown.offerings] == shown_order(shown.seed, ["sad-aurora", "sad-brezza"])
    assert get(SAD).seed == shown.seed
    ((recorded,),) = world.rows(
        sa.select(tables.display_seed.c.seed).where(tables.display_seed.c.service == SAD)
    )
    assert recorded == shown.seed
    world.clock.advance(timedelta(hours=1))
    assert get(SAD).seed != shown.seed
    world.update(tables.accreditation, tables.accreditation.c.provider == AURORA, state="suspended")
    assert [row.provider for row in get(SAD).offerings] == ["brezza"]
    with pytest.raises(Refusal) as caught:
        get("unknown")
    assert caught.value.type == "not-found"


def test_bookings_in_pages_newest_first(world: World) -> None:
    person = world.person()
    made = [world.book(person=person) for _ in range(5)]
    world.book()
    listed = ListBookings(world.database, world.clock)
    for wanted, caller, count in (
        (BookingFilter(person_id=person), citizen(person), 5),
        (BookingFilter(provider=AURORA), staff("provider_client:aurora"), 6),
    ):
        pages, cursor = [], ""
        while True:
            items, cursor = listed(wanted, caller, limit=2, cursor=cursor)
            pages += items
            if not cursor:
                break
        assert len(pages) == count
        assert pages == sorted(pages, key=lambda b: (b.starts_at, b.id), reverse=True)
    world.bookings.cancel(made[0].id, "provider", "x", "x", world.clock.now())
    items, _ = listed(
        BookingFilter(person_id=person, state=State.CANCELLED), citizen(person), limit=9, cursor=""
    )
    assert [item.id for item in items] == [made[0].id]
    days = BookingFilter(person_id=person, from_date=TUESDAY + timedelta(days=1))
    assert listed(days, citizen(person), limit=9, cursor="") == ([], "")
    for wrong in (BookingFilter(), BookingFilter(person_id=person, provider=AURORA)):
        with pytest.raises(Refusal) as caught:
            listed(wrong, citizen(person), limit=9, cursor="")
        assert caught.value.type == "invalid-field"


def test_an_office_sees_its_own_comune_s_bookings_only(world: World) -> None:
    person = world.person("L733")
    world.book(person=person)
    _remember(world, person, "L319", 2)  # she moved
    after = world.book(person=person)
    listed = ListBookings(world.database, world.clock)
    wanted = BookingFilter(person_id=person)
    items, _ = listed(wanted, staff("social_worker:L319"), limit=9, cursor="")
    assert [item.id for item in items] == [after.id]
    with pytest.raises(Refusal) as caught:
        listed(wanted, staff("social_worker:L733"), limit=9, cursor="")
    assert caught.value.type == "forbidden"


def test_a_cooperative_reads_no_words_of_others(world: World) -> None:
    booking = world.book()
    me, cooperative = citizen(booking.person_id), staff("provider_staff:aurora")
    cancel = CancelBooking(world.bookings, REASONS, world.database, world.clock)
    cancelled = cancel(booking.id, "sono in ospedale", me)
    assert REASONS.shown(cancelled, cooperative) == ""
    for caller in (me, staff("social_worker:L319")):
        assert REASONS.shown(cancelled, caller) == "sono in ospedale"
    own = cancel(world.book().id, "malattia", cooperative)
    assert REASONS.shown(own, cooperative) == "malattia"


def change(state: Standing, **changes: Any) -> ChangeAccreditationCommand:
    values: dict[str, Any] = {
        "provider": AURORA,
        "section": SECTION,
        "state": state,
        "valid_from": None,
        "valid_to": None,
        "reason": "Delibera 12/2026",
    }
    return ChangeAccreditationCommand(**(values | changes))


def test_a_suspension_stops_the_next_booking_and_counts_those_made(world: World) -> None:
    use = ChangeAccreditation(world.database, world.clock)
    slot = world.slot(capacity=9)
    kept = [world.book(slot), world.book(slot)]
    world.book(world.slot("ginnastica-aurora"))
    entry, affected = use(change(Standing.SUSPENDED), OFFICE)
    assert (entry.state, affected) == (Standing.SUSPENDED, 2)
    with pytest.raises(Refusal) as caught:
        world.book(slot)
    assert caught.value.type == "provider-not-accredited"
    assert all(world.bookings.get(booking.id) == booking for booking in kept)
    event = world.events()[-1]
    assert (event.type, event.sequence, event.subject, event.public) == (
        ProviderPublished.event_type(), 2, AURORA, False,
    )  # fmt: skip
    assert ProviderPublished.model_validate_json(event.data).accreditations[0].state == "suspended"
    events = len(world.events())
    assert use(change(Standing.SUSPENDED), OFFICE) == (entry, 2)
    assert len(world.events()) == events
    assert use(change(Standing.ACCREDITED), OFFICE)[1] == 0
    assert world.book(slot).state is State.CONFIRMED


def test_a_suspension_counts_a_held_booking_and_keeps_it_from_being_confirmed(world: World) -> None:
    """While the voucher's side is asked, the cooperative is suspended: what it held must be released."""
    use, slot, affected = ChangeAccreditation(world.database, world.clock), world.slot(), list[int]()

    def hold(booking: Booking, caller: Caller) -> None:
        affected.append(use(change(Standing.SUSPENDED), OFFICE)[1])

    world.holds.hold = hold  # type: ignore[method-assign]
    with pytest.raises(Refusal) as caught:
        world.book(slot, voucher=new_id())
    assert caught.value.type == "provider-not-accredited"
    assert caught.value.facts["section"] == SECTION
    assert affected == [1]
    assert world.taken(slot) == 0
    event = world.events()[-1]
    assert event.type == BookingRefused.event_type()  # by which vouchers releases the hold
    assert BookingRefused.model_validate_json(event.data).reason == "provider-not-accredited"
    assert use(change(Standing.SUSPENDED), OFFICE)[1] == 0
    world.check_invariants()


@pytest.mark.parametrize(
    ("changes", "type", "field"),
    [
        ({"provider": "unknown"}, "not-found", "provider"),
        ({"section": "unknown"}, "invalid-field", "section"),
        ({"valid_from": TUESDAY, "valid_to": NOW.date()}, "invalid-field", "valid_to"),
    ],
)
def test_impossible_decisions(world: World, changes: dict[str, Any], type: str, field: str) -> None:
    with pytest.raises(Refusal) as caught:
        ChangeAccreditation(world.database, world.clock)(change(Standing.ACCREDITED, **changes), OFFICE)
    assert (caught.value.type, caught.value.field) == (type, field)
    assert world.events() == []


def _remember(world: World, person: Any, comune: str, sequence: int, *, moved: bool = True) -> None:
    model = PersonContactChanged if moved else PersonRegistered
    data = model.example_data().model_copy(update={"person_id": person, "comune": comune})
    message = Received(
        id=new_id(),
        type=model.event_type(),
        subject=str(person),
        sequence=sequence,
        occurred_at=NOW,
        routing_key="person.registered.L319.-",
        headers={},
        body=data.to_json(),
    )
    with world.database.transaction() as connection:
        remember_person(connection, message)


def test_persons_are_remembered_in_any_order(world: World) -> None:
    person = new_id()
    for sequence, comune in ((2, "L733"), (1, "L319"), (2, "L319"), (3, "L703"), (2, "L733")):
        _remember(world, person, comune, sequence, moved=sequence > 1)
    assert world.rows(sa.select(tables.person).where(tables.person.c.id == person)) == [(person, "L703", 3)]


def test_reconciliation_finds_a_lost_seat_and_lists_open_bookings(world: World) -> None:
    voucher = new_id()
    booking = world.book(voucher=voucher)
    world.bookings.cancel(world.book(voucher=new_id()).id, "provider", "x", "x", world.clock.now())
    world.book()
    assert list(reconcile(world.database)) == [
        {
            "kind": "open-booking",
            "booking_id": booking.id,
            "voucher_id": voucher,
            "state": "confirmed",
            "minutes": 60,
            "price_cents": 2250,
        }
    ]
    slot = world.slot(capacity=3, taken=2)
    first, *_ = reconcile(world.database)
    assert first == {
        "kind": "seat-difference",
        "slot_id": slot,
        "taken": 2,
        "bookings": 0,
    }
