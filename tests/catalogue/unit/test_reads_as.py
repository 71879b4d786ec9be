"""Whose reads of a person's bookings are told to her, and in which role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from uuid import UUID

import pytest

from services.catalogue.application.access import is_of_an_office, reads_as
from services.catalogue.domain.booking import Booking
from services.chassis.caller import Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Forbidden
from tests.catalogue.world import AURORA, TRADATE, acting, citizen, staff

OPERATOR, WORKER = "social_point_operator:tradate", f"social_worker:{TRADATE}"


@dataclass
class Facts:
    """As much of a booking as decides."""

    person_id: UUID
    provider: str = AURORA
    comune: str = TRADATE


FACTS = Facts(new_id())
BOOKING = cast(Booking, FACTS)
PERSON = FACTS.person_id


@pytest.mark.parametrize(
    "who",
    [
        citizen(PERSON),
        acting(PERSON, "read"),
        acting(PERSON, "book"),
        staff("provider_staff:aurora"),
        staff("provider_client:aurora"),
    ],
)
def test_she_her_delegate_and_her_visit_s_cooperative_are_nobody_else(who: Caller) -> None:
    assert reads_as(who, BOOKING) is None
    assert not is_of_an_office(who)


@pytest.mark.parametrize(
    ("who", "role"),
    [
        (staff(WORKER), WORKER),
        (staff("comune_officer:L319"), "comune_officer:L319"),
        (staff("social_worker:L733", "comune_officer:L319"), "comune_officer:L319"),
        (staff("provider_staff:aurora", WORKER), WORKER),
        (acting(PERSON, "book", "read", roles=[OPERATOR]), OPERATOR),
    ],
)
def test_offices_and_an_assisting_operator_are(who: Caller, role: str) -> None:
    assert reads_as(who, BOOKING) == role
    assert is_of_an_office(who)


@pytest.mark.parametrize(
    "who",
    [citizen(new_id()), staff("social_worker:L733"), staff(OPERATOR), staff("provider_staff:brezza")],
)
def test_whom_nothing_lets_read_has_no_role_to_read_in(who: Caller) -> None:
    with pytest.raises(Forbidden):
        reads_as(who, BOOKING)
