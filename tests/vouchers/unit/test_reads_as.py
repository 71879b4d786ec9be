"""Whose reads of a person's plans and vouchers are told to her, and in which role."""

import pytest

from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Forbidden
from services.vouchers.application.access import is_of_an_office, reads_as
from tests.vouchers.world import AMBITO, AURORA, TRADATE, VENEGONO, caller, citizen

PERSON = new_id()
READ = {PERSON: frozenset({"read"})}
WORKER, OFFICER = f"social_worker:{TRADATE}", f"comune_officer:{TRADATE}"
OFFICE, OPERATOR = f"plan_office:{AMBITO}", "social_point_operator:tradate"


@pytest.mark.parametrize(
    "who", [citizen(PERSON), caller("delegate", "citizen:*", person=new_id(), acting_for=READ)]
)
def test_she_and_her_delegate_are_nobody_else(who: Caller) -> None:
    assert reads_as(who, PERSON, TRADATE) is None
    assert not is_of_an_office(who)


@pytest.mark.parametrize(
    ("who", "role"),
    [
        (caller("w", WORKER), WORKER),
        (caller("o", OFFICER), OFFICER),
        (caller("p", OFFICE), OFFICE),
        (caller("s", OPERATOR, acting_for=READ), OPERATOR),
        (caller("w", f"social_worker:{VENEGONO}", OFFICER), OFFICER),  # the office that is competent
        (caller("s", OPERATOR, OFFICE), OFFICE),  # she assists nobody
    ],
)
def test_offices_are_an_assisting_operator_too(who: Caller, role: str) -> None:
    assert reads_as(who, PERSON, TRADATE) == role
    assert is_of_an_office(who)


@pytest.mark.parametrize(
    "who",
    [
        citizen(new_id()),
        caller("w", f"social_worker:{VENEGONO}"),
        caller("s", OPERATOR),
        caller("c", f"provider_staff:{AURORA}", acting_for=READ),
    ],
)
def test_whom_nothing_lets_read_has_no_role_to_read_in(who: Caller) -> None:
    with pytest.raises(Forbidden):
        reads_as(who, PERSON, TRADATE)


def test_an_officer_reads_of_herself_as_herself() -> None:
    assert reads_as(caller("o", OFFICER, person=PERSON), PERSON, TRADATE) is None
