"""Processes that die at the one place where it would matter most."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from services.chassis import crash_points
from services.contracts.events.catalogue import BookingCancelled, BookingConfirmed
from tests.faults.fault import Fault
from tests.faults.kinds import clocks, network
from tests.faults.site import Site

_REACHED_SECONDS = 20.0
_BOOKINGS = "ambito.catalogue.v1.BookingService"
PLACES = {
    "catalogue-grpc dies, booked and not answered": (
        "catalogue-grpc",
        crash_points.RPC,
        f"{_BOOKINGS}/BookSlot",
    ),
    "catalogue-grpc dies, cancelled and not answered": (
        "catalogue-grpc",
        crash_points.RPC,
        f"{_BOOKINGS}/CancelBooking",
    ),
    "vouchers-grpc dies, held and not answered": (
        "vouchers-grpc",
        crash_points.RPC,
        "ambito.vouchers.v1.HoldService/Hold",
    ),
    "identity-grpc dies, registered and not answered": (
        "identity-grpc",
        crash_points.RPC,
        "ambito.identity.v1.PersonService/RegisterPerson",
    ),
    "catalogue-relay dies, published and not marked": ("catalogue-relay", crash_points.RELAY, ""),
    "vouchers-worker dies, released and not acknowledged": (
        "vouchers-worker",
        crash_points.WORKER,
        BookingCancelled.event_type(),
    ),
    "notifications-worker dies, told and not acknowledged": (
        "notifications-worker",
        crash_points.WORKER,
        BookingConfirmed.event_type(),
    ),
    "deliver dies, webhook sent and not recorded": ("notifications-deliver", crash_points.WEBHOOK, ""),
    "deliver dies, e-mail sent and not recorded": ("notifications-deliver", crash_points.EMAIL, ""),
}
"""What happens → the program, the point, and the pass that is its last."""


@contextmanager
def dies_at(site: Site, _chance: random.Random, place: tuple[str, str, str]) -> Iterator[None]:
    """Somebody passes there before long, and the supervisor starts the program again."""
    program, point, detail = place
    directory = site.crash_directory(program)
    before = site.instance.pid(program)
    crash_points.arm(directory, point, detail)
    deadline = time.monotonic() + _REACHED_SECONDS
    try:
        while (directory / point).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        if crash_points.disarm(directory, point):
            site.planted.wrong.append(f"nobody passed {point} of {program} in {_REACHED_SECONDS:.0f} s")
        else:
            while site.instance.pid(program) in {0, before} and time.monotonic() < deadline + 10:
                time.sleep(0.05)
    yield


# To be passed, a place needs the rest of the way to be whole.
_WAY = frozenset({"rabbitmq", "postgres", "gateway", *network.NAMES, *clocks.NAMES})
FAULTS = tuple(
    Fault(name, partial(dies_at, place=place), _WAY | {place[0]}, heavy=True)
    for name, place in PLACES.items()
)
