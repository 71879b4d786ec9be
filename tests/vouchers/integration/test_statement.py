"""The month's statement: the ledger's own lines and sums."""

from typing import Any

import pydantic
import pytest
import sqlalchemy as sa

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Forbidden, NotFound
from services.vouchers.application.get_statement import GetStatementQuery, Statement, get_statement
from tests.vouchers.world import (
    AURORA,
    BETULLA,
    MEAL_VOUCHER,
    MEALS,
    OFFICER,
    PLAN_OFFICE,
    TRADATE,
    VENEGONO,
    World,
    caller,
)

STAFF = caller("staff-1", f"provider_staff:{AURORA}")


def statement(world: World, by: Caller = STAFF, month: str = "2026-03", provider: str = AURORA) -> Statement:
    query = GetStatementQuery(provider=provider, month=month)
    found: Statement = world.run(get_statement, by, query)
    return found


def visit(world: World, voucher: Any, **changes: Any) -> None:
    booking = new_id()
    world.hold(voucher, booking, **changes)
    world.deliver(booking)


@pytest.fixture
def busy(world: World) -> World:
    """Visits of two months, in minutes and cents, for two cooperatives, one still to come and one
    cancelled.
    """
    hours = world.voucher(6000)
    lines = [{"measure": MEAL_VOUCHER, "service": MEALS, "quantity": 90_000}]
    meals = world.chosen(world.issued(world.signed(world.person(), lines=lines)))
    other = world.chosen(world.issued(world.signed(world.person())), BETULLA)
    for day in ("2026-03-02", "2026-03-31", "2026-04-01", "2026-03-15"):
        visit(world, hours, service_date=day)
        visit(world, meals, service=MEALS, minutes=30, cents=900, service_date=day)
        visit(world, other, provider=BETULLA, service_date=day)
    visit(world, hours, minutes=90, cents=3300, service_date="2026-03-20")
    world.hold(hours, service_date="2026-03-21")
    cancelled = new_id()
    world.hold(hours, cancelled, service_date="2026-03-22")
    world.end(cancelled)
    return world


def test_lines_are_the_months_consumptions_and_totals_the_ledgers(busy: World) -> None:
    march = statement(busy)
    assert [line.service_date.isoformat() for line in march.lines] == sorted(
        2 * ["2026-03-02", "2026-03-15", "2026-03-31"] + ["2026-03-20"]
    )
    assert (march.total_minutes, march.total_amount_cents) == (3 * 60 + 90, 3 * 2200 + 3300 + 3 * 900)
    sums = sa.text(
        "SELECT sum(quantity) FILTER (WHERE unit = 'minutes'), sum(amount_cents) FROM ledger_entry"
        " JOIN voucher ON voucher.id = voucher_id WHERE kind = 'consume' AND provider = :provider"
        " AND date_trunc('month', service_date) = '2026-03-01'"
    )
    with busy.database.read() as connection:
        assert tuple(connection.execute(sums, {"provider": AURORA}).one()) == (
            march.total_minutes,
            march.total_amount_cents,
        )


def test_the_months_of_all_cooperatives_sum_to_what_budgets_consumed(busy: World) -> None:
    found = [
        statement(busy, PLAN_OFFICE, month, provider)
        for month in ("2026-03", "2026-04")
        for provider in (AURORA, BETULLA)
    ]
    assert sum(each.total_amount_cents for each in found) == busy.budget().consumed_cents


def test_every_line_points_at_its_entry(busy: World) -> None:
    with busy.database.read() as connection:
        for line in statement(busy).lines:
            entry = connection.execute(
                sa.text("SELECT kind, booking_id FROM ledger_entry WHERE voucher_id = :v AND sequence = :s"),
                {"v": line.voucher_id, "s": line.sequence},
            ).one()
            assert tuple(entry) == ("consume", line.booking_id)


def test_a_quiet_month_is_empty(busy: World) -> None:
    empty = statement(busy, month="2026-05")
    assert (empty.lines, empty.total_minutes, empty.total_amount_cents) == ((), 0, 0)


def test_a_comunes_officer_sees_what_her_comune_pays(busy: World) -> None:
    assert statement(busy, OFFICER) == statement(busy)
    assert statement(busy, caller("officer-9", f"comune_officer:{VENEGONO}")).lines == ()


def test_others_see_nothing(busy: World) -> None:
    for other in (
        caller("staff-2", f"provider_staff:{BETULLA}"),
        caller("social", f"social_worker:{TRADATE}"),
        caller("citizen", "citizen:*", person=new_id()),
        caller("office-2", "plan_office:altro-ambito"),
    ):
        with pytest.raises(Forbidden):
            statement(busy, other)


def test_an_unknown_cooperative_is_not_found(busy: World) -> None:
    with pytest.raises(NotFound):
        statement(busy, PLAN_OFFICE, provider="ignota")


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "marzo", "", "1999-01", "2026-03-01"])
def test_a_month_is_a_month(month: str) -> None:
    with pytest.raises(pydantic.ValidationError):
        GetStatementQuery(provider=AURORA, month=month)
