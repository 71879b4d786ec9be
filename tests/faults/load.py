"""Citizens who book and cancel while things break; as good clients they repeat what was not answered."""

from __future__ import annotations

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx

from tests.system.world import Citizen, Session, World

VISIT_MINUTES = 60
_REPEAT_SECONDS = 60.0
_UNANSWERED = (502, 503, 504)


@dataclass
class Purse:
    """A citizen with a voucher, and what she was told: the acknowledged bookings and cancellations."""

    citizen: Citizen
    voucher: str
    provider: str
    booked: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)


@dataclass
class Load:
    """Runs while the block runs; afterwards every request has had its answer."""

    world: World
    purses: list[Purse]
    slots: dict[str, list[str]]  # provider → slot ids
    wrong: list[str] = field(default_factory=list)
    waited: int = 0

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(len(self.purses))
        self._running = [
            self._pool.submit(self._live, purse, random.Random(seed))  # noqa: S311  # chance, not secrets
            for seed, purse in enumerate(self.purses)
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for running in self._running:
            running.result()
        self._pool.shutdown()

    @property
    def acknowledged(self) -> int:
        return sum(len(purse.booked) for purse in self.purses)

    def _live(self, purse: Purse, chance: random.Random) -> None:
        while not self._stop.is_set():
            slot = chance.choice(self.slots[purse.provider])
            body = {"slot_id": slot, "voucher_id": purse.voucher}
            answer = self._until_answered(purse.citizen.session, "/bookings", body)
            if answer.status_code == 201:
                purse.booked.add(answer.json()["id"])
            elif answer.status_code != 409:
                self.wrong.append(f"booking: {answer.status_code} {answer.text}")
            if purse.booked - purse.cancelled and chance.random() < 0.5:
                booking = chance.choice(sorted(purse.booked - purse.cancelled))
                answer = self._until_answered(purse.citizen.session, f"/bookings/{booking}/cancellation", {})
                # Asked again after an answer that was lost, it says that it is cancelled: that is one, too.
                if answer.status_code == 200 or "problem:booking-already-cancelled" in answer.text:
                    purse.cancelled.add(booking)
                else:
                    self.wrong.append(f"cancellation: {answer.status_code} {answer.text}")

    def _until_answered(self, session: Session, path: str, body: dict[str, str]) -> httpx.Response:
        """Repeats under one key until the answer is neither "later" nor nothing."""
        key, deadline = str(uuid.uuid4()), time.monotonic() + _REPEAT_SECONDS
        while True:
            try:
                answer = session.post(path, body, key=key)
            except httpx.HTTPError:
                answer = None
            if answer is not None:
                later = answer.status_code in _UNANSWERED or "Retry-After" in answer.headers
                if not later:
                    return answer
            self.waited += 1
            assert time.monotonic() < deadline, f"{path}: no answer in {_REPEAT_SECONDS} s ({answer})"
            time.sleep(0.1)
