"""Every operation on bookings and on the register × every role × own and other scope. What is not granted is
denied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from services.catalogue.application.cancel_booking import CancelBooking
from services.catalogue.application.change_accreditation import (
    ChangeAccreditation,
    ChangeAccreditationCommand,
)
from services.catalogue.application.get_booking import GetBooking
from services.catalogue.application.get_delivery_code import GetDeliveryCode
from services.catalogue.application.list_bookings import ListBookings
from services.catalogue.application.record_delivery import RecordDelivery
from services.catalogue.domain.accreditation import Standing
from services.catalogue.domain.booking import Booking
from services.catalogue.domain.delivery_code import delivery_code
from services.catalogue.persistence.booking_lists import BookingFilter
from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from tests.catalogue.world import REASONS, SECRET, SECTION, World, acting, citizen, staff

YES = "ok"
NO, UNKNOWN, WHO = "forbidden", "not-found", "unauthenticated"

Operation = Callable[[World, Booking, Caller], object]
WHOLE_YEAR = timedelta(days=365)


def _list(world: World, caller: Caller, wanted: BookingFilter) -> None:
    ListBookings(world.database, world.clock)(wanted, caller, limit=20, cursor="")


OPERATIONS: Mapping[str, Operation] = {
    "book": lambda w, b, c: w.book(b.slot_id, b.person_id, caller=c),
    "get": lambda w, b, c: GetBooking(w.database, w.clock)(b.id, c),
    "list of person": lambda w, b, c: _list(w, c, BookingFilter(person_id=b.person_id)),
    "list of provider": lambda w, b, c: _list(w, c, BookingFilter(provider=b.provider)),
    "cancel": lambda w, b, c: CancelBooking(w.bookings, REASONS, w.database, w.clock)(b.id, "reason", c),
    "code": lambda w, b, c: GetDeliveryCode(w.database, SECRET, w.clock)(b.id, c),
    "deliver": lambda w, b, c: RecordDelivery(w.bookings, SECRET, WHOLE_YEAR, w.clock)(
        b.id, delivery_code(SECRET, b.id), c
    ),
    "accreditation": lambda w, b, c: ChangeAccreditation(w.database, w.clock)(
        ChangeAccreditationCommand(
            provider=b.provider,
            section=SECTION,
            state=Standing.SUSPENDED,
            valid_from=None,
            valid_to=None,
            reason="reason",
        ),
        c,
    ),
}

CALLERS: Mapping[str, Callable[[Booking], Caller]] = {
    "anonymous": lambda b: ANONYMOUS,
    "the person": lambda b: citizen(b.person_id),
    "another citizen": lambda b: citizen(new_id()),
    "may book": lambda b: acting(b.person_id, "book"),
    "may read": lambda b: acting(b.person_id, "read"),
    "may choose": lambda b: acting(b.person_id, "choose_provider"),
    "may book for another": lambda b: acting(new_id(), "book", "read"),
    "operator": lambda b: staff("social_point_operator:tradate"),
    "operator assisting": lambda b: acting(
        b.person_id, "book", "read", roles=["social_point_operator:tradate"]
    ),
    "social worker": lambda b: staff("social_worker:L319"),
    "social worker elsewhere": lambda b: staff("social_worker:L733"),
    "officer": lambda b: staff("comune_officer:L319"),
    "officer elsewhere": lambda b: staff("comune_officer:L733"),
    "plan office": lambda b: staff("plan_office:tradate"),
    "plan office elsewhere": lambda b: staff("plan_office:varese"),
    "cooperative": lambda b: staff("provider_staff:aurora"),
    "cooperative elsewhere": lambda b: staff("provider_staff:brezza"),
    "its system": lambda b: staff("provider_client:aurora"),
    "system elsewhere": lambda b: staff("provider_client:brezza"),
    "cooperative with powers": lambda b: acting(b.person_id, "book", "read", roles=["provider_staff:aurora"]),
    "its system with powers": lambda b: acting(b.person_id, "book", "read", roles=["provider_client:aurora"]),
    "elsewhere with powers": lambda b: acting(b.person_id, "book", "read", roles=["provider_staff:brezza"]),
    "unknown role": lambda b: staff("administrator:*", "citizen:*"),
}

#                         book  get      person provider cancel   code     deliver  accreditation
MATRIX: Mapping[str, tuple[str, ...]] = {
    "anonymous":              (WHO, WHO, WHO, WHO, WHO, WHO, WHO, WHO),
    "the person":             (YES, YES, YES, NO, YES, YES, NO, NO),
    "another citizen":        (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "may book":               (YES, YES, YES, NO, YES, YES, NO, NO),
    "may read":               (NO, YES, YES, NO, NO, NO, NO, NO),
    "may choose":             (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "may book for another":   (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "operator":               (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "operator assisting":     (YES, YES, YES, NO, YES, YES, NO, NO),
    "social worker":          (NO, YES, YES, NO, YES, NO, NO, NO),
    "social worker elsewhere": (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "officer":                (NO, YES, YES, NO, YES, NO, NO, NO),
    "officer elsewhere":      (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "plan office":            (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, YES),
    "plan office elsewhere":  (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "cooperative":            (NO, YES, NO, YES, YES, NO, YES, NO),
    "cooperative elsewhere":  (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "its system":             (NO, YES, NO, YES, YES, NO, YES, NO),
    "system elsewhere":       (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "cooperative with powers": (NO, YES, NO, YES, YES, NO, YES, NO),
    "its system with powers": (NO, YES, NO, YES, YES, NO, YES, NO),
    "elsewhere with powers":  (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
    "unknown role":           (NO, UNKNOWN, NO, NO, UNKNOWN, UNKNOWN, UNKNOWN, NO),
}  # fmt: skip


def test_the_matrix_is_complete() -> None:
    assert list(MATRIX) == list(CALLERS)
    assert {len(row) for row in MATRIX.values()} == {len(OPERATIONS)}


@pytest.mark.parametrize("who", list(CALLERS))
def test_what_one_may(world: World, who: str) -> None:
    slot = world.slot(capacity=20)
    answers = []
    for operation in OPERATIONS.values():
        booking = world.book(slot)
        try:
            operation(world, booking, CALLERS[who](booking))
            answers.append(YES)
        except Refusal as refusal:
            answers.append(refusal.type)
    assert dict(zip(OPERATIONS, answers, strict=True)) == dict(zip(OPERATIONS, MATRIX[who], strict=True))
    world.check_invariants()
