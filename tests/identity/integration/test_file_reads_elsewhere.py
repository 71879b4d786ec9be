"""Reads that vouchers and catalogue tell of are shown to the person beside those of her file here."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.chassis.ids import new_id
from services.chassis.messaging.envelope import to_message
from services.chassis.messaging.event import Event
from services.chassis.messaging.processing import Outcome, Processor, Verdict
from services.chassis.messaging.received import Subscription, one_by_one
from services.chassis.messaging.tables import messaging_tables
from services.contracts.events.base import routing_key
from services.contracts.events.catalogue import CatalogueFileRead
from services.contracts.events.files import FileRead
from services.contracts.events.vouchers import VouchersFileRead
from services.identity.application.get_person import get_person
from services.identity.application.list_reads import list_reads
from services.identity.application.on_file_read import EVENT_TYPES, OnFileRead
from services.identity.bootstrap import SERVICE
from services.identity.persistence.tables import file_read
from tests.identity.world import NOW, OPERATOR, TRADATE, World

WORKER = f"social_worker:{TRADATE}"


def read_of(model: type[FileRead], person: UUID, reader: str, role: str, **changes: object) -> Event:
    data = model(
        **{"person_id": person, "reader": reader, "role": role, "operation": "GetVoucher", "at": NOW}
        | changes
    )
    return Event(
        type=data.event_type(),
        subject=str(new_id()),
        sequence=1,
        occurred_at=NOW,
        routing_key=routing_key(model),
        public=data.public,
        data=data.to_json(),
    )


def deliver(world: World, event: Event) -> Verdict:
    """As the worker is given it."""
    subscription = Subscription("identity.file-reads", EVENT_TYPES, one_by_one(OnFileRead(world.parts.data)))
    processor = Processor(
        world.database,
        messaging_tables(sa.MetaData()),
        [subscription],
        at_once=100,
        database_wait_seconds=10,
        stopping=threading.Event(),
    )
    row = {
        "event_id": event.id,
        "source": "ambito/elsewhere",
        "traceparent": None,
        **{name: getattr(event, name) for name in ("type", "subject", "sequence", "occurred_at")},
        **{name: getattr(event, name) for name in ("routing_key", "public", "data")},
    }
    message = to_message(row, "elsewhere")
    return processor.process(
        message.headers, content_type=message.content_type, routing_key=message.routing_key, body=message.body
    )


def test_she_sees_who_read_what_elsewhere_and_in_which_office(world: World) -> None:
    person, _ = world.assisted()
    worker, operator = world.staff(WORKER), world.staff(OPERATOR)
    get_person(world.parts, worker, person_id=person.id, reason="plan of November")
    later = NOW + timedelta(minutes=1)
    for event in (
        read_of(VouchersFileRead, person.id, worker.subject, WORKER, at=later),
        read_of(
            CatalogueFileRead,
            person.id,
            operator.subject,
            OPERATOR,
            operation="ListBookings",
            at=later + timedelta(minutes=1),
        ),
    ):
        assert deliver(world, event).outcome is Outcome.DONE
    shown = list_reads(world.parts, world.herself(person), person_id=person.id, limit=0)
    assert [(read.operation, read.reader, read.role, read.reason) for read in shown] == [
        ("ListBookings", "Marta Galli, Social Point Tradate", OPERATOR, ""),
        ("GetVoucher", "Marta Galli, Tradate", WORKER, ""),
        ("GetPerson", "Marta Galli, Tradate", WORKER, "plan of November"),
    ]
    assert shown[1].at == later


def test_a_repeated_event_is_one_read(world: World) -> None:
    person = world.registered()
    event = read_of(VouchersFileRead, person.id, world.staff(WORKER).subject, WORKER)
    assert [deliver(world, event).outcome for _ in range(2)] == [Outcome.DONE, Outcome.DONE]
    assert deliver(world, replace(event, id=new_id())).outcome is Outcome.DONE  # another read of the same
    assert world.count(file_read) == 2


@pytest.mark.parametrize(
    ("reader", "role", "shown"),
    [
        ("01a22348-2ed6-77c1-bcc2-ab7d3ae1b843", WORKER, "Tradate"),
        ("01a22348-2ed6-77c1-bcc2-ab7e98607750", "plan_office:tradate", "plan_office:tradate"),
        ("no-account", "plan_office:tradate", "plan_office:tradate"),
    ],
)
def test_of_an_unknown_reader_she_sees_the_office_or_the_role(
    world: World, reader: str, role: str, shown: str
) -> None:
    person = world.registered()
    deliver(world, read_of(VouchersFileRead, person.id, reader, role))
    (read,) = list_reads(world.parts, world.herself(person), person_id=person.id, limit=0)
    assert (read.reader, read.role) == (shown, role)


def test_a_read_of_nobody_is_for_a_person_to_look_at(world: World) -> None:
    verdict = deliver(world, read_of(CatalogueFileRead, new_id(), str(new_id()), WORKER))
    assert verdict.outcome is Outcome.DEAD
    assert "is not registered" in verdict.reason
    assert world.count(file_read) == 0


def test_every_type_of_read_there_is_comes_here() -> None:
    kinds = {model.event_type() for model in FileRead.__subclasses__()}
    assert kinds == EVENT_TYPES == SERVICE.consumes
