"""Why a hold is refused: the exact reason, and the most telling one where several apply."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.chassis.ids import new_id
from services.vouchers.domain.assignments import Assignment, Assignments
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.ledger import Balance
from services.vouchers.domain.period import Period
from services.vouchers.domain.voucher import Voucher, Wanted, reason_against
from tests.vouchers.world import NOW

FIRST, LAST = date(2026, 3, 1), date(2026, 6, 30)
PERSON = new_id()
VOUCHER = Voucher(
    id=new_id(),
    person_id=PERSON,
    comune="L319",
    plan_id=new_id(),
    plan_line_id=new_id(),
    measure="sad",
    fund="fondo",
    service="assistenza",
    section="anziani",
    unit=Unit.MINUTES,
    state="active",
    validity=Period(FIRST, LAST),
    balance=Balance(issued=120, available=60, reserved=60),
    assignments=Assignments((Assignment("aurora", FIRST), Assignment("betulla", date(2026, 5, 1)))),
    issued_at=NOW,
    version=2,
)
WANTED = Wanted(PERSON, "aurora", "assistenza", date(2026, 3, 10), 60)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({}, None),
        ({"service_date": FIRST}, None),
        ({"service_date": LAST, "provider": "betulla"}, None),
        ({"service_date": LAST + DAY, "provider": "betulla"}, "voucher-expired"),
        ({"service_date": FIRST - DAY}, "voucher-not-yet-valid"),
        ({"provider": "betulla"}, "provider-not-chosen"),
        ({"service_date": date(2026, 5, 1)}, "provider-not-chosen"),
        ({"provider": "betulla", "service_date": date(2026, 5, 1)}, None),
        ({"quantity": 61}, "voucher-exhausted"),
        ({"quantity": 0}, "invalid-field"),
        ({"service": "pasti"}, "service-not-covered"),
        ({"person_id": new_id()}, "not-your-voucher"),
        ({"person_id": new_id(), "service": "pasti", "quantity": 999}, "not-your-voucher"),
        ({"service_date": LAST + DAY, "quantity": 999}, "voucher-expired"),
    ],
)
def test_the_reason(wanted: dict[str, Any], reason: str | None) -> None:
    refusal = reason_against(VOUCHER, replace(WANTED, **wanted))
    assert (refusal and refusal.type) == reason
    if refusal is not None:
        assert refusal.message("it") != refusal.message("en")


def test_an_expired_voucher_is_expired_on_every_day() -> None:
    refusal = reason_against(replace(VOUCHER, state="expired"), WANTED)
    assert refusal is not None
    assert refusal.type == "voucher-expired"


def test_without_a_choice_no_cooperative_is_the_chosen_one() -> None:
    refusal = reason_against(replace(VOUCHER, state="issued", assignments=Assignments()), WANTED)
    assert refusal is not None
    assert refusal.type == "provider-not-chosen"
