"""Issue: who, from what, against which budget, and what never happens twice."""

from datetime import date
from typing import Any

import pytest

from services.chassis.ids import new_id
from services.chassis.refusal import Forbidden, NotFound, Refusal
from services.contracts.events.vouchers import VoucherIssued
from services.vouchers.application.issue_voucher import IssueVoucherCommand
from services.vouchers.application.sign_plan import SignPlanCommand
from services.vouchers.domain.ledger import Balance
from services.vouchers.domain.refusals import (
    BudgetExhausted,
    BudgetNotFound,
    IncompatibleMeasures,
    IssuerWrotePlan,
    PlanLineExhausted,
    PlanNotSigned,
    VoucherAlreadyIssued,
)
from services.vouchers.persistence import funding
from services.vouchers.persistence.funding import Budget
from tests.vouchers.world import (
    B1,
    B2,
    FIRST,
    FUND,
    HOME_CARE,
    LAST,
    MEAL_VOUCHER,
    MEALS,
    OFFICER,
    SAD,
    SOCIAL_WORKER,
    TRADATE,
    YEAR,
    World,
    caller,
)


def test_a_voucher_is_born_whole(world: World) -> None:
    plan = world.signed(world.person(), 1200)
    voucher = world.issued(plan)
    assert voucher.balance == Balance(issued=1200, available=1200)
    assert (voucher.state, voucher.version, voucher.assignments.items) == ("issued", 1, ())
    assert world.budget().committed_cents == 44_000  # 20 hours at 22 euro
    (entry,) = world.entries(voucher)
    assert (entry.kind, entry.quantity, entry.amount_cents, entry.sequence) == ("issue", 1200, 44_000, 1)
    assert world.verified().faults == ()


def test_the_issue_is_told_once_and_internally(world: World) -> None:
    voucher = world.issued(world.signed(world.person()))
    (event,) = world.events(voucher)
    assert (event.type, event.sequence, event.public) == (VoucherIssued.event_type(), 1, False)
    assert event.routing_key == f"voucher.issued.{TRADATE}.-"
    told = VoucherIssued.model_validate_json(bytes(event.data))
    assert (told.voucher_id, told.person_id, told.valid_to) == (voucher.id, voucher.person_id, LAST)


def test_a_voucher_in_cents_commits_what_it_says(world: World) -> None:
    lines = [{"measure": MEAL_VOUCHER, "service": MEALS, "quantity": 50_000}]
    world.issued(world.signed(world.person(), lines=lines))
    assert world.budget().committed_cents == 50_000


def test_a_line_is_issued_in_parts_and_never_beyond(world: World) -> None:
    plan = world.signed(world.person(), 1200)
    world.issued(plan, 700, valid_to=date(2026, 3, 31))
    with pytest.raises(PlanLineExhausted) as refused:
        world.issued(plan, 501, valid_from=date(2026, 4, 1))
    assert refused.value.facts["remaining"] == 500
    world.issued(plan, 500, valid_from=date(2026, 4, 1))
    assert world.budget().committed_cents == 25_667 + 18_334  # each rounded up


def test_the_same_line_and_days_are_issued_once(world: World) -> None:
    plan = world.signed(world.person(), 1200)
    voucher = world.issued(plan, 600)
    with pytest.raises(VoucherAlreadyIssued) as refused:
        world.issued(plan, 600)
    assert refused.value.facts["voucher_id"] == voucher.id
    assert world.budget().committed_cents == 22_000


def test_a_draft_pays_for_nothing(world: World) -> None:
    with pytest.raises(PlanNotSigned):
        world.issued(world.draft(world.person()))


class TestMakerChecker:
    BOTH = caller("worker-1", f"social_worker:{TRADATE}", f"comune_officer:{TRADATE}")
    SIGNER = caller("worker-2", f"social_worker:{TRADATE}", f"comune_officer:{TRADATE}")

    def test_who_wrote_the_plan_does_not_issue(self, world: World) -> None:
        assert self.BOTH.subject == SOCIAL_WORKER.subject
        with pytest.raises(IssuerWrotePlan):
            world.issued(world.signed(world.person()), by=self.BOTH)

    def test_nor_who_signed_it(self, world: World) -> None:
        draft = world.draft(world.person())
        plan = world.run(world.sign, self.SIGNER, SignPlanCommand(plan_id=draft.id, signed_by="delegate"))
        with pytest.raises(IssuerWrotePlan):
            world.issued(plan, by=self.SIGNER)

    def test_unless_the_regulation_allows_it(self, world: World) -> None:
        with world.database.transaction() as connection:
            regulation = funding.find_regulation(connection)
            assert regulation is not None
            funding.put_regulation(
                connection,
                funding.Regulation(regulation.ambito, maker_checker=False, changes=regulation.changes),
            )
        assert world.issued(world.signed(world.person()), by=self.BOTH)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fund": "altro-fondo"}, "fund"),
        ({"valid_from": date(2026, 2, 28)}, "valid_from"),  # before the plan
        ({"valid_to": date(2026, 7, 1)}, "valid_to"),  # after the plan
        ({"year": 2027}, "valid_from"),  # outside the fund's year
        ({"valid_from": date(2026, 5, 1), "valid_to": date(2026, 4, 1)}, "valid_to"),
        ({"valid_to": date(2026, 3, 1)}, "valid_to"),  # over already
    ],
)
def test_validity_lies_within_plan_year_and_measure(
    world: World, changes: dict[str, Any], field: str
) -> None:
    plan = world.signed(world.person())
    with pytest.raises(Refusal) as refused:
        world.issued(plan, **changes)
    assert (refused.value.type, refused.value.field) == ("invalid-field", field)
    assert world.budget().committed_cents == 0


def test_a_voucher_does_not_cross_the_year(world: World) -> None:
    plan = world.signed(world.person(), valid_to="2027-03-31")
    with pytest.raises(Refusal) as refused:
        world.issued(plan, valid_to=date(2027, 1, 1))
    assert refused.value.field == "valid_to"
    assert world.issued(plan, valid_to=date(2026, 12, 31))


class TestIncompatibility:
    def plan(self, world: World, person: Any, measure: str) -> Any:
        return world.signed(person, lines=[{"measure": measure, "service": HOME_CARE, "quantity": 600}])

    @pytest.mark.parametrize(("held", "wanted"), [(B1, B2), (B2, B1)])
    def test_is_refused_with_the_rule_cited(self, world: World, held: str, wanted: str) -> None:
        person = world.person()
        world.issued(self.plan(world, person, held))
        with pytest.raises(IncompatibleMeasures) as refused:
            world.issued(self.plan(world, person, wanted))
        assert refused.value.facts["source"] == "DGR 1, art. 4"
        assert "Incompatibile con la misura B1." in refused.value.message("it")
        assert world.budget().committed_cents == 22_000

    def test_does_not_reach_other_people_days_or_measures(self, world: World) -> None:
        person = world.person()
        world.issued(self.plan(world, person, B1), valid_to=date(2026, 4, 30))
        world.issued(self.plan(world, person, B2), valid_from=date(2026, 5, 1))
        world.issued(self.plan(world, person, SAD))
        world.issued(self.plan(world, world.person(), B2))


class TestBudget:
    def test_the_last_cent_can_be_committed_and_no_more(self, world: World) -> None:
        world.settle(allocated_cents=44_000)
        world.issued(world.signed(world.person(), 1199))
        with pytest.raises(BudgetExhausted) as refused:
            world.issued(world.signed(world.person(), 60))
        assert refused.value.facts == {"available_cents": 36, "needed_cents": 2200}
        with pytest.raises(BudgetExhausted):  # a minute is 36.67 cents, which binds 37
            world.issued(world.signed(world.person(), 1))

    def test_a_year_without_a_budget_is_not_found(self, world: World) -> None:
        plan = world.signed(world.person(), valid_from="2027-01-01", valid_to="2027-06-30")
        with pytest.raises(BudgetNotFound):
            world.issued(plan, year=2027, valid_from="2027-01-01", valid_to="2027-06-30")

    def test_what_is_refused_takes_nothing_from_the_line(self, world: World) -> None:
        world.settle(allocated_cents=100)
        plan = world.signed(world.person(), 60)
        with pytest.raises(BudgetExhausted):
            world.issued(plan)
        world.settle(allocated_cents=10_000)
        assert world.issued(plan)

    def test_an_allocation_never_falls_below_what_is_committed(self, world: World) -> None:
        world.issued(world.signed(world.person(), 60))
        with world.database.transaction() as connection:
            assert not funding.allocate(connection, Budget(TRADATE, FUND, YEAR, 2199))
            assert funding.allocate(connection, Budget(TRADATE, FUND, YEAR, 2200))


def test_only_the_comunes_own_officer_issues(world: World) -> None:
    plan = world.signed(world.person())
    with pytest.raises(Forbidden):
        world.issued(plan, by=caller("officer-2", "comune_officer:L733"))
    with pytest.raises(NotFound):
        world.run(
            world.issue,
            OFFICER,
            IssueVoucherCommand(
                plan_line_id=new_id(), quantity=1, fund=FUND, year=YEAR, valid_from=FIRST, valid_to=LAST
            ),
        )
