"""Reads of somebody else's bookings are in the outbox when they are answered; others write nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.catalogue.application.get_booking import GetBooking
from services.catalogue.application.get_delivery_code import GetDeliveryCode
from services.catalogue.application.list_bookings import ListBookings
from services.catalogue.domain.booking import Booking
from services.catalogue.persistence.booking_lists import BookingFilter
from services.chassis.caller import Caller
from services.chassis.refusal import Refusal
from services.contracts.events.catalogue import CatalogueFileRead
from tests.catalogue.world import AURORA, NOW, SECRET, TRADATE, World, acting, citizen, staff
from tests.support.statements import noted

OPERATOR, WORKER = "social_point_operator:tradate", f"social_worker:{TRADATE}"


def get(world: World, booking: Booking, by: Caller) -> None:
    GetBooking(world.database, world.clock)(booking.id, by)


def list_of_person(world: World, booking: Booking, by: Caller) -> None:
    wanted = BookingFilter(person_id=booking.person_id)
    ListBookings(world.database, world.clock)(wanted, by, limit=20, cursor="")


def code(world: World, booking: Booking, by: Caller) -> None:
    GetDeliveryCode(world.database, SECRET, world.clock)(booking.id, by)


def told(world: World) -> list[tuple[UUID, str, str, str]]:
    """Person, reader, role and operation of the events of reads, in order."""
    rows = [row for row in world.events() if row.type == CatalogueFileRead.event_type()]
    assert {(row.sequence, row.public, row.routing_key) for row in rows} <= {(1, False, "file.read.-.-")}
    assert len({row.subject for row in rows}) == len(rows)
    events = [CatalogueFileRead.model_validate_json(row.data) for row in rows]
    assert all(event.at == NOW for event in events)
    return [(event.person_id, event.reader, event.role, event.operation) for event in events]


def test_each_read_by_an_office_is_told_in_its_own_transaction(world: World) -> None:
    booking, worker = world.book(), staff(WORKER)
    with noted(world.database) as words:
        get(world, booking, worker)
    assert words == ["BEGIN", "SELECT", "INSERT", "COMMIT"]
    world.book(person=booking.person_id)
    list_of_person(world, booking, worker)  # two bookings, one person
    assert told(world) == [
        (booking.person_id, worker.subject, WORKER, "GetBooking"),
        (booking.person_id, worker.subject, WORKER, "ListBookings"),
    ]
    world.check_invariants()


def test_an_assisting_operator_is_somebody_else(world: World) -> None:
    booking = world.book()
    operator = acting(booking.person_id, "read", "book", roles=[OPERATOR])
    for look in (get, list_of_person, code):
        look(world, booking, operator)
    assert told(world) == [
        (booking.person_id, operator.subject, OPERATOR, operation)
        for operation in ("GetBooking", "ListBookings", "GetDeliveryCode")
    ]


def test_she_her_delegate_and_the_cooperative_write_nothing(world: World) -> None:
    booking, cooperative = world.book(), staff("provider_staff:aurora")
    with noted(world.database) as words:
        for by in (citizen(booking.person_id), acting(booking.person_id, "read", "book")):
            for look in (get, list_of_person, code):
                look(world, booking, by)
        get(world, booking, cooperative)
        listed = ListBookings(world.database, world.clock)
        items, _ = listed(BookingFilter(provider=AURORA), cooperative, limit=20, cursor="")
    assert [item.id for item in items] == [booking.id]
    assert set(words) == {"BEGIN", "SELECT"}
    assert told(world) == []


def test_what_shows_nothing_is_no_read(world: World) -> None:
    booking, elsewhere = world.book(), staff("social_worker:L733")
    for look in (get, list_of_person):
        with pytest.raises(Refusal):
            look(world, booking, elsewhere)
    with pytest.raises(Refusal):
        code(world, booking, staff(WORKER))
    assert told(world) == []


def test_what_cannot_be_told_is_not_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    booking = world.book()

    def broken(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("services.chassis.messaging.outbox.Outbox.add", broken)
    with pytest.raises(OSError, match="disk full"):
        get(world, booking, staff(WORKER))
