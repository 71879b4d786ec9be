"""Somebody who books with a voucher every now and then, to see whether the system is back."""

from __future__ import annotations

import random
import uuid
from typing import Any

from deploy.local.instance import Instance
from tests.faults.life import BOOK, BOOKINGS, CANCEL, Life, Market, Purse


class Probe:
    """Books with `purse`, which nobody else may use, and cancels in the end, so that its voucher lasts."""

    def __init__(self, instance: Instance, market: Market, purse: Purse) -> None:
        self._instance = instance
        self._records = market.records
        self._life = Life(market, purse, BOOKINGS, random.Random(0))  # noqa: S311  # chance
        self._unready: set[str] = set()
        self._booked: list[str] = []
        self._asked: tuple[dict[str, Any], str] | None = None
        """The request, and its key, to which there was no definite answer yet."""

    def is_well(self) -> bool:
        """Whether a booking is confirmed now, at the first attempt, and every process is healthy."""
        # Those that were not ready tell soonest that it is too early.
        if self._unready and not self._all_ready(self._unready):
            return False
        return self._books() and self._all_ready()

    def why_not(self) -> dict[str, str]:
        """The processes that are not healthy now, with the reasons."""
        return self._instance.not_ready()

    def tidy(self) -> None:
        """Have every answer, and cancel what was booked. Raises NoAnswer."""
        if self._asked is not None:
            request, key = self._asked
            self._asked = None
            reply = self._life.citizen.post("/bookings", request, key)
            if reply.status == 201:
                self._take(reply.body, request)
        while self._booked:
            if self._life.cancel(self._booked.pop()):
                self._records.acknowledge(CANCEL)

    def _all_ready(self, among: set[str] | None = None) -> bool:
        self._unready = set(self._instance.not_ready(among))
        return not self._unready

    def _books(self) -> bool:
        """One attempt; the next one is under the same key as long as the answer is not definite."""
        request, key = self._asked or (self._life.booking_request(paid=True), str(uuid.uuid4()))
        self._asked = (request, key)
        answer = self._life.citizen.once("/bookings", request, key)
        if answer is None or "Retry-After" in answer.headers:
            return False
        self._asked = None
        if answer.status_code != 201:  # a definite no: that slot is full
            return False
        self._take(answer.json(), request)
        return True

    def _take(self, booking: dict[str, Any], request: dict[str, Any]) -> None:
        self._life.booked(booking, request)
        self._records.acknowledge(BOOK)
        self._booked.append(str(booking["id"]))
