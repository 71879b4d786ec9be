"""Citizens who book all the time, with and without a voucher, and repeat nothing that fails."""

from __future__ import annotations

import itertools
import ssl
import threading
import time
import uuid
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from tests.deploy.containers.people import ContainerWorld
from tests.support.stack import Stack
from tests.system.world import Citizen

PROVIDERS = ("ponte-sull-olona", "casa-tiglio", "cedro-azzurro")
_HOURS = 500
_NOTICE_DAYS = 3
_DAYS = 20
_CANCELLED_AFTER = 15
"""So many bookings of each citizen stay; later ones are cancelled again, so that seats do not run out."""
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 40
_SIGNED_IN_SECONDS = 300


@dataclass(frozen=True)
class Booker:
    """A citizen with a voucher of a cooperative, and slots that nobody else of the test takes."""

    citizen: Citizen
    voucher: str
    slots: list[str]


def bookers(stack: Stack, number: int) -> list[Booker]:
    """New ones, in turn for each of PROVIDERS."""
    with closing(ContainerWorld(stack.base_url, stack.secrets)) as world:
        first = world.first_day() + timedelta(days=_NOTICE_DAYS)
        found = []
        for count in range(number):
            provider = PROVIDERS[count % len(PROVIDERS)]
            citizen = world.citizen()
            voucher = world.voucher(citizen, _HOURS * 60, provider)
            slots = [
                each["id"] for each in world.slots(provider, first_day=first, days=_DAYS) if each["free"]
            ]
            found.append(
                Booker(citizen, voucher, slots[count // len(PROVIDERS) :: -(-number // len(PROVIDERS))])
            )
        return found


@dataclass
class Load:
    """All that was asked and answered, in threads of its own, until `stop`."""

    base_url: str
    trust: ssl.SSLContext
    bookers: list[Booker]
    answers: Counter[str] = field(default_factory=Counter)
    """`POST /bookings 201`; or the name of an error, where no answer came."""
    failures: list[str] = field(default_factory=list)
    """What was asked, when, and what came instead of its being done."""
    open: set[str] = field(default_factory=set)
    """The bookings that were made and not cancelled."""

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._go_on, args=(each,)) for each in self.bookers]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """When what is under way is answered."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, booker: Booker) -> None:
        slots, sign_in_at = itertools.cycle(booker.slots), 0.0
        who = {"username": booker.citizen.username, "password": booker.citizen.password}
        with httpx.Client(
            base_url=self.base_url, verify=self.trust, timeout=_PATIENCE_SECONDS, trust_env=False
        ) as client:
            for count in itertools.count():
                if self._over.wait(_PAUSE_SECONDS):
                    return
                if time.monotonic() > sign_in_at and (signed := self._ask(client, "/sessions", who)):
                    client.headers["Authorization"] = f"Bearer {signed['tokens']['access_token']}"
                    sign_in_at = time.monotonic() + _SIGNED_IN_SECONDS
                self._book(client, next(slots), booker.voucher if count % 2 else None, count)

    def _book(self, client: httpx.Client, slot: str, voucher: str | None, count: int) -> None:
        booking = self._ask(client, "/bookings", {"slot_id": slot, "voucher_id": voucher})
        if booking is None:
            return
        self.open.add(booking["id"])
        if count >= _CANCELLED_AFTER and self._ask(client, f"/bookings/{booking['id']}/cancellation", {}):
            self.open.remove(booking["id"])

    def _ask(self, client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        asked = time.strftime("%H:%M:%S")
        what = f"POST {path.rpartition('/')[0] and '…/'}{path.rpartition('/')[2]}"
        try:
            answer = client.post(path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        except httpx.TransportError as error:
            self.answers[f"{what} {type(error).__name__}"] += 1
            self.failures.append(f"{asked} {what}: {error!r}")
            return None
        self.answers[f"{what} {answer.status_code}"] += 1
        if not answer.is_success:
            self.failures.append(f"{asked} {what}: {answer.status_code} {answer.text[:200]}")
            return None
        return dict(answer.json())
