"""Clients that are none of the good ones: one that asks many times at once, one that does not wait."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.faults.client import Reply
from tests.faults.fault import Fault
from tests.faults.life import REFUSED, Life
from tests.faults.site import Site

_TIMES = 8
_HANGS_UP_SECONDS = (0.001, 0.05)
Asking = Callable[[Life, random.Random, dict[str, Any], str], Sequence[Reply]]
"""Asks for a booking, under one key, until there is at least one definite answer."""


def _all_at_once(life: Life, _chance: random.Random, request: dict[str, Any], key: str) -> Sequence[Reply]:
    with ThreadPoolExecutor(_TIMES) as pool:
        return list(pool.map(lambda _: life.citizen.post("/bookings", request, key), range(_TIMES)))


def _hanging_up(life: Life, chance: random.Random, request: dict[str, Any], key: str) -> Sequence[Reply]:
    for _ in range(_TIMES):
        life.citizen.hang_up("/bookings", request, key, after_seconds=chance.uniform(*_HANGS_UP_SECONDS))
    return [life.citizen.post("/bookings", request, key)]


@contextmanager
def impatient(site: Site, chance: random.Random, asking: Asking) -> Iterator[None]:
    """However often it was asked for, there is one booking; it is cancelled in the end."""
    life = site.impatient
    request = life.booking_request(paid=True)
    replies = asking(life, chance, request, str(uuid.uuid4()))
    made = {reply.body["id"]: reply for reply in replies if reply.status == 201}
    if len(made) > 1:
        site.planted.wrong.append(f"one key made bookings {sorted(made)}")
    site.planted.wrong += [
        f"booking: {reply}" for reply in replies if reply.status != 201 and reply.refusal not in REFUSED
    ]
    for reply in made.values():
        life.booked(reply.body, request)
    try:
        yield
    finally:
        for booking in made:
            life.cancel(booking)


_PARTS = frozenset({"impatient client"})
FAULTS = (
    Fault("a client asks many times at once", partial(impatient, asking=_all_at_once), _PARTS),
    Fault("a client hangs up and asks again", partial(impatient, asking=_hanging_up), _PARTS),
)
