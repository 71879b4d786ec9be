"""Who may do what: every method, every role, in its own scope and in another one. Deny by default."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from services.chassis.rpc.context import Call, answering
from services.contracts.access import ROLES
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as pb
from services.vouchers.domain.plan import Plan
from services.vouchers.domain.voucher import Voucher
from services.vouchers.entrypoints.grpc_api import build
from services.vouchers.settings import VouchersSettings
from tests.vouchers.world import (
    AMBITO,
    AURORA,
    FUND,
    HOME_CARE,
    KEYS,
    SAD,
    TRADATE,
    VENEGONO,
    YEAR,
    World,
    caller,
)

POWERS = frozenset({"read", "choose_provider", "book"})

YES, DENIED, HIDDEN, EMPTY = "yes", "forbidden", "not-found", "empty"

CALLERS: dict[str, Callable[[UUID], Caller]] = {
    "nobody": lambda _: ANONYMOUS,
    "the person": lambda person: caller("self", "citizen:*", person=person),
    "another citizen": lambda _: caller("other", "citizen:*", person=new_id()),
    "delegate": lambda person: caller("delegate", "citizen:*", person=new_id(), acting_for={person: POWERS}),
    "delegate to read": lambda person: caller(
        "reader", "citizen:*", acting_for={person: frozenset({"read"})}
    ),
    "operator assisting": lambda person: caller(
        "assisting", "social_point_operator:tradate", acting_for={person: POWERS}
    ),
    "operator": lambda _: caller("operator", "social_point_operator:tradate"),
    "social worker": lambda _: caller("social", f"social_worker:{TRADATE}"),
    "social worker elsewhere": lambda _: caller("social-2", f"social_worker:{VENEGONO}"),
    "officer": lambda _: caller("officer", f"comune_officer:{TRADATE}"),
    "officer elsewhere": lambda _: caller("officer-2", f"comune_officer:{VENEGONO}"),
    "plan office": lambda _: caller("office", f"plan_office:{AMBITO}"),
    "plan office elsewhere": lambda _: caller("office-2", "plan_office:altro-ambito"),
    "cooperative": lambda _: caller("staff", f"provider_staff:{AURORA}"),
    "cooperative elsewhere": lambda _: caller("staff-2", "provider_staff:betulla"),
    "cooperative's system": lambda _: caller("client", f"provider_client:{AURORA}"),
    "cooperative's system elsewhere": lambda _: caller("client-2", "provider_client:betulla"),
    "cooperative with powers": lambda person: caller(
        "staff-3", f"provider_staff:{AURORA}", acting_for={person: POWERS}
    ),
}

# Method → caller → answer; whoever is not named is denied.
ALLOWED: dict[str, dict[str, str]] = {
    "WritePlan": {"social worker": YES},
    "SignPlan": {"social worker": YES},
    "GetPlan": {
        **dict.fromkeys(CALLERS, HIDDEN),
        **dict.fromkeys(["the person", "delegate", "delegate to read", "social worker", "officer"], YES),
    },
    "ListPlans": {
        **dict.fromkeys(["the person", "delegate", "delegate to read", "social worker", "officer"], YES),
        **dict.fromkeys(["social worker elsewhere", "officer elsewhere"], EMPTY),
    },
    "IssueVoucher": {"officer": YES},
    "ChooseProvider": dict.fromkeys(["the person", "delegate", "operator assisting"], YES),
    "GetVoucher": {
        **dict.fromkeys(CALLERS, HIDDEN),
        **dict.fromkeys(["the person", "delegate", "delegate to read", "operator assisting"], YES),
        **dict.fromkeys(["social worker", "officer", "plan office"], YES),
    },
    "ListVouchers of the person": {
        **dict.fromkeys(["the person", "delegate", "delegate to read", "operator assisting"], YES),
        **dict.fromkeys(["social worker", "officer", "plan office"], YES),
        **dict.fromkeys(["social worker elsewhere", "officer elsewhere"], EMPTY),
    },
    "ListVouchers of the comune": dict.fromkeys(["social worker", "officer", "plan office"], YES),
    "Hold": dict.fromkeys(["the person", "delegate", "operator assisting", "cooperative with powers"], YES),
    "ListBudgets": {"officer": YES, "plan office": YES},
    "ListBudgets of all": {"officer": YES, "officer elsewhere": YES, "plan office": YES},
    "GetStatement": {
        **dict.fromkeys(["cooperative", "cooperative's system", "cooperative with powers"], YES),
        **dict.fromkeys(["officer", "plan office"], YES),
        "officer elsewhere": EMPTY,
    },
}
ALLOWED["ListEntries"] = ALLOWED["GetVoucher"]
ALLOWED["VerifyLedger of one"] = ALLOWED["GetVoucher"]
ALLOWED["VerifyLedger of all"] = {"officer": YES, "officer elsewhere": EMPTY, "plan office": YES}


@dataclass
class Scene:
    """A person of Tradate with a draft, a signed plan, an issued voucher and a visit that took place."""

    world: World
    servicers: list[Any]
    draft: Plan
    signed: Plan
    voucher: Voucher

    def call(self, method: str, request: Any, by: Caller) -> Any:
        servicer = next(found for found in self.servicers if hasattr(type(found), method))
        with answering(Call(caller=by)):
            return getattr(servicer, method)(request, None)

    def calls(self) -> dict[str, tuple[str, Any, Callable[[Any], bool]]]:
        """Name → method, request, and whether an answer holds anything."""
        person, voucher = str(self.voucher.person_id), str(self.voucher.id)
        line = pb.PlanLine(measure=SAD, service=HOME_CARE, quantity=60)
        return {
            "WritePlan": (
                "WritePlan",
                pb.WritePlanRequest(
                    person_id=person, valid_from="2026-03-01", valid_to="2026-06-30", lines=[line]
                ),
                lambda answer: answer.plan.state == "draft",
            ),
            "SignPlan": (
                "SignPlan",
                pb.SignPlanRequest(plan_id=str(self.draft.id), signed_by="beneficiary"),
                lambda answer: answer.plan.state == "signed",
            ),
            "GetPlan": (
                "GetPlan",
                pb.GetPlanRequest(plan_id=str(self.signed.id)),
                lambda answer: len(answer.plan.lines) == 1,
            ),
            "ListPlans": (
                "ListPlans",
                pb.ListPlansRequest(person_id=person),
                lambda answer: len(answer.items) > 0,
            ),
            "IssueVoucher": (
                "IssueVoucher",
                pb.IssueVoucherRequest(
                    plan_line_id=str(self.signed.lines[0].id),
                    quantity=60,
                    fund=FUND,
                    year=YEAR,
                    valid_from="2026-04-01",
                    valid_to="2026-04-30",
                ),
                lambda answer: answer.voucher.balance.available == 60,
            ),
            "ChooseProvider": (
                "ChooseProvider",
                pb.ChooseProviderRequest(voucher_id=voucher, provider="betulla", valid_from="2026-05-01"),
                lambda answer: len(answer.voucher.assignments) == 2,
            ),
            "GetVoucher": (
                "GetVoucher",
                pb.GetVoucherRequest(voucher_id=voucher),
                lambda answer: answer.voucher.id == voucher,
            ),
            "ListVouchers of the person": (
                "ListVouchers",
                pb.ListVouchersRequest(person_id=person),
                lambda answer: len(answer.items) > 0,
            ),
            "ListVouchers of the comune": (
                "ListVouchers",
                pb.ListVouchersRequest(comune=TRADATE),
                lambda answer: len(answer.items) > 0,
            ),
            "ListEntries": (
                "ListEntries",
                pb.ListEntriesRequest(voucher_id=voucher),
                lambda answer: len(answer.items) >= 3,
            ),
            "VerifyLedger of one": (
                "VerifyLedger",
                pb.VerifyLedgerRequest(voucher_id=voucher),
                lambda answer: answer.vouchers == 1 and not answer.faults,
            ),
            "VerifyLedger of all": (
                "VerifyLedger",
                pb.VerifyLedgerRequest(),
                lambda answer: answer.vouchers > 0 and not answer.faults,
            ),
            "Hold": (
                "Hold",
                pb.HoldRequest(
                    booking_id=str(new_id()),
                    voucher_id=voucher,
                    person_id=person,
                    provider=AURORA,
                    service=HOME_CARE,
                    service_date="2026-03-10",
                    minutes=60,
                    cents=2200,
                ),
                lambda answer: answer.quantity == 60,
            ),
            "ListBudgets": (
                "ListBudgets",
                pb.ListBudgetsRequest(comune=TRADATE, year=YEAR),
                lambda answer: answer.items[0].consumed_cents == 2200,
            ),
            "ListBudgets of all": (
                "ListBudgets",
                pb.ListBudgetsRequest(),
                lambda answer: len(answer.items) > 0,
            ),
            "GetStatement": (
                "GetStatement",
                pb.GetStatementRequest(provider=AURORA, month="2026-03"),
                lambda answer: answer.total_amount_cents == 2200 and len(answer.lines) == 1,
            ),
        }


@pytest.fixture
def scene(world: World, tmp_path: Path) -> Scene:
    keys = tmp_path / "keys"
    keys.write_text(KEYS)
    settings = VouchersSettings(database_url=world.database.url, data_keys_file=keys)
    person, booking = world.person(), new_id()
    signed = world.signed(person, 1200)
    voucher = world.chosen(world.issued(signed, 600))
    world.hold(voucher, booking)
    world.deliver(booking)
    servicers = [servicer for _, servicer in build(settings, world.database, world.clock)]
    return Scene(world, servicers, world.draft(person), signed, voucher)


def outcome(scene: Scene, name: str, by: Caller) -> str:
    """How the call ends: the kind of the refusal, or whether the answer holds something."""
    method, request, holds_something = scene.calls()[name]
    try:
        answer = scene.call(method, request, by)
    except Refusal as refusal:
        return str(refusal.kind)
    return YES if holds_something(answer) else EMPTY


@pytest.mark.parametrize("who", CALLERS)
def test_matrix(scene: Scene, who: str) -> None:
    by = CALLERS[who](scene.voucher.person_id)
    found = {name: outcome(scene, name, by) for name in ALLOWED}
    if who == "nobody":
        assert set(found.values()) == {"unauthenticated"}
    else:
        assert found == {name: allowed.get(who, DENIED) for name, allowed in ALLOWED.items()}


def test_every_role_and_every_method_is_in_the_matrix(scene: Scene) -> None:
    roles = {role.name for make in CALLERS.values() for role in make(new_id()).roles}
    assert roles == ROLES
    asked = {method for method, _, _ in scene.calls().values()}
    offered = {
        method.name for service in pb.DESCRIPTOR.services_by_name.values() for method in service.methods
    }
    assert asked == offered
    assert scene.calls().keys() == ALLOWED.keys()


@pytest.mark.parametrize("who", [who for who in CALLERS if ALLOWED["GetPlan"][who] == YES])
def test_goals_are_for_the_person_and_her_social_worker(scene: Scene, who: str) -> None:
    by = CALLERS[who](scene.voucher.person_id)
    one = scene.call("GetPlan", pb.GetPlanRequest(plan_id=str(scene.signed.id)), by)
    all_of_her = scene.call("ListPlans", pb.ListPlansRequest(person_id=str(scene.voucher.person_id)), by)
    expected = "Restare a casa" if who in {"the person", "social worker"} else ""
    assert {plan.goals for plan in (one.plan, *all_of_her.items)} == {expected}


def test_a_comunes_lists_stop_at_its_border(scene: Scene) -> None:
    officer = CALLERS["officer elsewhere"](scene.voucher.person_id)
    budgets = scene.call("ListBudgets", pb.ListBudgetsRequest(), officer)
    assert {budget.comune for budget in budgets.items} == {VENEGONO}
    office = CALLERS["plan office"](scene.voucher.person_id)
    everything = scene.call("ListBudgets", pb.ListBudgetsRequest(), office)
    assert {budget.comune for budget in everything.items} == {TRADATE, VENEGONO}


def test_pages_of_vouchers_follow_one_another(scene: Scene) -> None:
    for _ in range(4):
        scene.world.issued(scene.world.signed(scene.world.person(), 60))
    officer = CALLERS["officer"](scene.voucher.person_id)
    found, cursor = [], ""
    while True:
        request = pb.ListVouchersRequest(comune=TRADATE, limit=2, cursor=cursor)
        page = scene.call("ListVouchers", request, officer)
        assert 1 <= len(page.items) <= 2
        found += [item.id for item in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(found) == len(set(found)) == 5
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("both", [{}, {"person_id": str(new_id()), "comune": TRADATE}])
def test_a_list_is_of_a_person_or_of_a_comune(scene: Scene, both: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        scene.call("ListVouchers", pb.ListVouchersRequest(**both), CALLERS["plan office"](new_id()))
    assert (refused.value.type, refused.value.field) == ("invalid-field", "person_id")
