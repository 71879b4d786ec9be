"""What one citizen, and the cooperative of her choice, do next, and what they remember of the answers."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.demo import cast
from tests.faults.client import Client, Reply
from tests.faults.records import Records
from tests.system.world import COMUNE, SERVICE, Citizen, World

VISIT_MINUTES = 60
_FULL_SLOTS = 2
_FULL_SLOT_SHARE = 0.1

BOOK, BOOK_FREE, CANCEL, DELIVER = "book with a voucher", "book without", "cancel", "deliver"
SEARCH, SLOTS, VOUCHER, STATEMENT = "search", "free slots", "balance", "statement"
REGISTER = "register"
MIX: Mapping[str, int] = {
    BOOK: 17,
    BOOK_FREE: 9,
    CANCEL: 12,
    DELIVER: 5,
    SEARCH: 24,
    SLOTS: 16,
    VOUCHER: 14,
    STATEMENT: 1,
    REGISTER: 2,
}
REFUSED = frozenset({"slot-full", "voucher-exhausted", "booking-lapsed"})
"""Refusals that a citizen has to live with; the last one when her seat was held too long, by some clock."""
BOOKINGS: Mapping[str, int] = {BOOK: 3, CANCEL: 1}
"""Only what changes holds, for faults that are to meet as many of them as possible."""


@dataclass
class Visit:
    """A booking that was acknowledged, and as what it was acknowledged last."""

    paid: bool
    state: str = "confirmed"


@dataclass
class Purse:
    """A citizen with a voucher for one cooperative, and everything that she was told."""

    citizen: Citizen
    voucher: str
    provider: str
    visits: dict[str, Visit] = field(default_factory=dict)

    def open_visits(self) -> list[str]:
        return [booking for booking, visit in self.visits.items() if visit.state == "confirmed"]


@dataclass
class Market:
    """Where everybody books: the installation, its slots, and what has become known."""

    world: World
    slots: Mapping[str, Sequence[str]]  # provider → slot ids
    records: Records = field(default_factory=Records)
    registered: set[str] = field(default_factory=set)
    """Persons whose registration was acknowledged."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def remember(self, person: str) -> None:
        """This person's registration was acknowledged."""
        with self._lock:
            self.registered.add(person)


class Life:
    """What one citizen, and the cooperative of her choice, do next."""

    def __init__(self, market: Market, purse: Purse, mix: Mapping[str, int], chance: random.Random) -> None:
        world = market.world
        self._chance = chance
        self._market = market
        self.purse = purse
        self.records = market.records
        who = purse.citizen
        self.citizen = Client(world, market.records, lambda: world.token(who.username, who.password))
        self._cooperative = Client(world, market.records, lambda: world.client_token(purse.provider))
        # An attempt whose process dies stays charged to its address; behind one of eight is too little room.
        address = f"127.0.0.{chance.randrange(2, 255)}"
        self._anyone = Client(world, market.records, address=address)
        self._operations = list(mix)
        self._weights = list(mix.values())
        self._deeds: dict[str, Callable[[], bool]] = {
            BOOK: lambda: self.book(paid=True),
            BOOK_FREE: lambda: self.book(paid=False),
            CANCEL: self._cancel,
            DELIVER: self._deliver,
            SEARCH: self._search,
            SLOTS: self._free_slots,
            VOUCHER: self._balance,
            STATEMENT: self._statement,
            REGISTER: self._register,
        }

    def go_on(self) -> None:
        """One operation, until its answer is there. Raises NoAnswer."""
        operation = self._chance.choices(self._operations, self._weights)[0]
        if self._deeds[operation]():
            self.records.acknowledge(operation)

    def book(self, *, paid: bool) -> bool:
        request = self.booking_request(paid=paid)
        reply = self.citizen.post("/bookings", request)
        if reply.status == 201:
            return self.booked(reply.body, request)
        if reply.refusal not in REFUSED:
            self._blame("booking", reply)
        return False

    def booking_request(self, *, paid: bool) -> dict[str, Any]:
        """For a slot at random; some are wanted by so many that they are soon full."""
        slots = self._market.slots[self.purse.provider]
        wanted = slots[:_FULL_SLOTS] if self._chance.random() < _FULL_SLOT_SHARE else slots[_FULL_SLOTS:]
        return {
            "slot_id": self._chance.choice(wanted),
            "voucher_id": self.purse.voucher if paid else None,
            "person_id": self.purse.citizen.id,
        }

    def booked(self, booking: dict[str, Any], request: dict[str, Any]) -> bool:
        """Remembers an acknowledged booking, which must be the one that was asked for."""
        asked = {**request, "state": "confirmed", "provider": self.purse.provider}
        told = {name: booking[name] for name in asked}
        if told != asked:
            self.records.blame(f"booking: asked for {asked}, told {told}")
        if booking["id"] in self.purse.visits:
            self.records.blame(f"booking {booking['id']} was the answer to two requests")
        self.purse.visits[booking["id"]] = Visit(paid=request["voucher_id"] is not None)
        return True

    def cancel(self, booking: str) -> bool:
        reply = self.citizen.post(f"/bookings/{booking}/cancellation", {})
        return self._ended(booking, reply, "cancelled")

    def _cancel(self) -> bool:
        booking = self._some_open_visit()
        return booking is not None and self.cancel(booking)

    def _deliver(self) -> bool:
        booking = self._some_open_visit()
        if booking is None:
            return False
        code = self.citizen.get(f"/bookings/{booking}/delivery-code")
        if code.status != 200:
            self._blame("delivery code", code)
            return False
        reply = self._cooperative.post(f"/bookings/{booking}/delivery", {"code": code.body["code"]})
        return self._ended(booking, reply, "delivered")

    def _ended(self, booking: str, reply: Reply, state: str) -> bool:
        """Asked again after an answer that was lost, the system says that it is so already: that will do."""
        again = reply.asked > 1 and reply.refusal == f"booking-already-{state}"
        if not again and (reply.status != 200 or reply.body["state"] != state):
            self._blame(state, reply)
            return False
        self.purse.visits[booking].state = state
        return True

    def _search(self) -> bool:
        reply = self._anyone.get("/services", q="assistenza")
        return self._right("search", reply, lambda body: body["total"] > 0)

    def _free_slots(self) -> bool:
        day = self._market.world.first_day().isoformat()
        query = {"from_date": day, "to_date": day, "comune": COMUNE, "provider": self.purse.provider}
        reply = self._anyone.get(f"/services/{SERVICE}/slots", **query)
        return self._right("slots", reply, lambda body: all(slot["free"] > 0 for slot in body["items"]))

    def _balance(self) -> bool:
        reply = self.citizen.get(f"/vouchers/{self.purse.voucher}")
        return self._right("balance", reply, lambda body: adds_up(body["balance"]))

    def _statement(self) -> bool:
        month = self._market.world.first_day().isoformat()[:7]
        reply = self._cooperative.get(f"/providers/{self.purse.provider}/statements/{month}")
        return self._right(
            "statement",
            reply,
            lambda body: body["total_minutes"] == sum(line["quantity"] for line in body["lines"]),
        )

    def _register(self) -> bool:
        who = cast.daughter(COMUNE)
        body = {"details": who.details, "username": who.username, "password": who.password}
        reply = self._anyone.post("/people", body)
        if reply.status != 201:
            self._blame("registration", reply)
            return False
        self._market.remember(reply.body["id"])
        return True

    def _some_open_visit(self) -> str | None:
        visits = self.purse.open_visits()
        return self._chance.choice(visits) if visits else None

    def _right(self, what: str, reply: Reply, holds: Callable[[Any], bool]) -> bool:
        if reply.status == 200 and holds(reply.body):
            return True
        self._blame(what, reply)
        return False

    def _blame(self, what: str, reply: Reply) -> None:
        self.records.blame(f"{what}: {reply}")


def adds_up(balance: dict[str, int]) -> bool:
    """issued = available + reserved + consumed + returned + expired"""
    parts = ("available", "reserved", "consumed", "returned", "expired")
    return balance["issued"] == sum(balance[part] for part in parts) and min(balance.values()) >= 0
