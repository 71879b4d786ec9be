"""Somebody who books with a voucher every now and then, to see whether the system is back."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable

from tests.faults.life import BOOK, BOOKINGS, CANCEL, Life, Market, Purse

_PAUSE_SECONDS = 0.1


class Probe:
    """Books with `purse`, which nobody else may use, and cancels, so that its voucher lasts."""

    def __init__(self, market: Market, purse: Purse) -> None:
        self._records = market.records
        self._life = Life(market, purse, BOOKINGS, random.Random(0))  # noqa: S311  # chance

    def wait(self, ready: Callable[[], bool], timeout_seconds: float) -> float | None:
        """Seconds until a booking is confirmed and then `ready`; None if that takes longer than the
        time-out.
        """
        started = time.monotonic()
        booking = self._book(started + timeout_seconds)
        while not ready():
            if time.monotonic() - started > timeout_seconds:
                break
            time.sleep(_PAUSE_SECONDS)
        seconds = time.monotonic() - started
        if self._life.cancel(booking):
            self._records.acknowledge(CANCEL)
        return seconds if seconds <= timeout_seconds else None

    def _book(self, deadline: float) -> str:
        """One that is confirmed; asks impatiently until the deadline, and then like everybody else."""
        request, key = self._life.booking_request(paid=True), str(uuid.uuid4())
        while True:
            if time.monotonic() < deadline:
                answer = self._life.citizen.once("/bookings", request, key)
            else:
                answer = self._life.citizen.post("/bookings", request, key).http
            if answer is not None and answer.status_code == 201:
                self._life.booked(answer.json(), request)
                self._records.acknowledge(BOOK)
                return str(answer.json()["id"])
            if answer is not None and "Retry-After" not in answer.headers:
                # A definite no: that slot is full.
                request, key = self._life.booking_request(paid=True), str(uuid.uuid4())
            time.sleep(_PAUSE_SECONDS)
