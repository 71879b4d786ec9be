"""Clocks that step by an hour and back, as on the nights of a machine that keeps the clock on the wall."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from services.chassis import clock
from tests.faults.fault import Fault
from tests.faults.kinds.processes import PROGRAMS
from tests.faults.site import Site

_HOUR = timedelta(hours=1)
_SECONDS = (1.0, 4.0)
STEPPING = (
    "gateway",
    "identity-grpc",
    "catalogue-grpc",
    "catalogue-worker",
    "vouchers-grpc",
    "notifications-deliver",
)
"""Those that decide something by the clock."""


@contextmanager
def stepped(site: Site, _chance: random.Random, programs: tuple[str, ...], by: timedelta) -> Iterator[None]:
    site.planted.untimely_webhooks |= "notifications-deliver" in programs
    for program in programs:
        clock.step(site.clock_step(program), by)
    try:
        yield
    finally:
        for program in programs:
            clock.step(site.clock_step(program), timedelta(0))


NAMES = frozenset(f"clock of {program}" for program in PROGRAMS)
FAULTS = tuple(
    Fault(
        f"{whose} clock an hour {way}",
        partial(stepped, programs=programs, by=by),
        frozenset(f"clock of {program}" for program in programs),
        _SECONDS,
    )
    for whose, programs in (
        *((f"{program}'s", (program,)) for program in STEPPING),
        ("everybody's", PROGRAMS),
    )
    for way, by in (("ahead", _HOUR), ("behind", -_HOUR))
)
