"""Reads of somebody else's plans and vouchers are in the outbox when they are answered; her own are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from services.contracts.events.vouchers import VouchersFileRead
from services.vouchers.application.file_reads import reading
from services.vouchers.application.read_plans import GetPlanQuery, ListPlansQuery
from services.vouchers.application.read_vouchers import ListVouchersQuery, VoucherQuery
from services.vouchers.domain.voucher import Voucher
from services.vouchers.persistence.tables import messaging
from tests.vouchers.world import (
    AMBITO,
    OFFICER,
    PLAN_OFFICE,
    SOCIAL_WORKER,
    TRADATE,
    VENEGONO,
    World,
    caller,
    citizen,
)

READ = frozenset({"read"})


def look(world: World, by: Caller, use_case: Any, query: Any) -> Any:
    """A read in the transaction that the caller would be given."""
    with reading(world.database, by) as connection:
        return use_case(connection, by, query)


def told(world: World, connection: sa.Connection | None = None) -> list[tuple[UUID, str, str, str]]:
    """Person, reader, role and operation of the events of reads, in order."""
    outbox = messaging.outbox
    query = sa.select(outbox).where(outbox.c.type == VouchersFileRead.event_type()).order_by(outbox.c.id)
    with world.database.read() if connection is None else _as_it_is(connection) as connected:
        rows = list(connected.execute(query))
    assert {(row.sequence, row.public, row.routing_key) for row in rows} <= {(1, False, "file.read.-.-")}
    assert len({row.subject for row in rows}) == len(rows)
    events = [VouchersFileRead.model_validate_json(row.data) for row in rows]
    assert all(event.at == world.clock.now() for event in events)
    return [(event.person_id, event.reader, event.role, event.operation) for event in events]


@contextmanager
def _as_it_is(connection: sa.Connection) -> Iterator[sa.Connection]:
    yield connection


def queries(world: World, voucher: Voucher) -> list[tuple[str, Any, Any]]:
    """Every read of one person's plans and vouchers: its name, its use case, what it asks for."""
    person = voucher.person_id
    return [
        ("GetPlan", world.read.get, GetPlanQuery(plan_id=voucher.plan_id)),
        ("ListPlans", world.read.of_person, ListPlansQuery(person_id=person)),
        ("GetVoucher", world.read_vouchers.get, VoucherQuery(voucher_id=voucher.id)),
        ("ListEntries", world.read_vouchers.entries, VoucherQuery(voucher_id=voucher.id)),
        ("ListVouchers", world.read_vouchers.page, ListVouchersQuery(person_id=person)),
    ]


@pytest.mark.parametrize("by", [SOCIAL_WORKER, OFFICER], ids=lambda by: by.subject)
def test_each_read_by_an_office_is_told_once(world: World, by: Caller) -> None:
    voucher = world.voucher()
    for _, use_case, query in queries(world, voucher):
        look(world, by, use_case, query)
    (role,) = map(str, by.roles)
    assert told(world) == [
        (voucher.person_id, by.subject, role, operation) for operation, _, _ in queries(world, voucher)
    ]


def test_the_plan_office_and_an_assisting_operator_are_somebody_else(world: World) -> None:
    voucher = world.voucher()
    person, operator = voucher.person_id, "social_point_operator:tradate"
    assisting = caller("operator-1", operator, acting_for={person: READ})
    for by in (PLAN_OFFICE, assisting):
        look(world, by, world.read_vouchers.get, VoucherQuery(voucher_id=voucher.id))
    assert told(world) == [
        (person, PLAN_OFFICE.subject, f"plan_office:{AMBITO}", "GetVoucher"),
        (person, "operator-1", operator, "GetVoucher"),
    ]


def test_her_own_reads_and_her_delegates_write_nothing(world: World) -> None:
    voucher = world.voucher()
    delegate = caller("d", "citizen:*", person=new_id(), acting_for={voucher.person_id: READ})
    for by in (citizen(voucher.person_id), delegate):
        for _, use_case, query in queries(world, voucher):
            look(world, by, use_case, query)
        # Nor could they: the database itself refuses to write in their transaction.
        with pytest.raises(sa.exc.DBAPIError), reading(world.database, by) as connection:
            world.plans.sign(
                connection, voucher.plan_id, signed_by="x", signed_with="x", signed_at=world.clock.now()
            )
    assert told(world) == []


def test_a_page_of_a_comune_tells_each_person_on_it_once(world: World) -> None:
    vouchers = [world.voucher() for _ in range(3)]
    world.issued(world.signed(vouchers[2].person_id), 60)
    query = ListVouchersQuery(comune=TRADATE, limit=3)  # newest first: two of one person, one of another
    page, _ = look(world, OFFICER, world.read_vouchers.page, query)
    assert len(page) == 3
    people = [person for person, _, _, operation in told(world) if operation == "ListVouchers"]
    assert sorted(people) == sorted([vouchers[2].person_id, vouchers[1].person_id])


def test_what_shows_nothing_is_no_read(world: World) -> None:
    voucher = world.voucher()
    elsewhere = caller("officer-2", f"comune_officer:{VENEGONO}")
    for operation, use_case, query in queries(world, voucher):
        if operation.startswith("List") and operation != "ListEntries":
            look(world, elsewhere, use_case, query)
        else:
            with pytest.raises(Refusal):
                look(world, elsewhere, use_case, query)
    assert told(world) == []


def test_the_event_lives_and_dies_with_the_transaction_of_the_read(world: World) -> None:
    voucher = world.voucher()
    query = VoucherQuery(voucher_id=voucher.id)
    with world.database.engine.connect() as connection:
        world.read_vouchers.get(connection, OFFICER, query)
        assert len(told(world, connection)) == 1
        assert told(world) == []  # as others see it
        connection.rollback()
    assert told(world) == []
