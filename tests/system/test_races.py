"""Races through the gateway: as many win as there is room for, never one more, never one less."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpx

from deploy.demo import cast
from tests.system.world import World, problem

PROVIDER = "ponte-sull-olona"
T = TypeVar("T")


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Runs `work(0)` … `work(count - 1)`, all released together."""
    gate = threading.Barrier(count)

    def run(number: int) -> T:
        gate.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_a_voucher_worth_three_visits_asked_by_fifty_at_once_pays_exactly_three(world: World) -> None:
    citizen = world.citizen()
    voucher = world.voucher(citizen, 180, PROVIDER)
    slots = world.slots(PROVIDER, days=21)[:50]
    assert len(slots) == 50
    answers = at_once(50, lambda number: world.book(citizen, slots[number]["id"], voucher))
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes == {201: 3, 409: 47}
    assert {problem(answer) for answer in answers if answer.status_code != 201} == {
        (409, "voucher-exhausted")
    }
    balance = world.balance(citizen, voucher)
    assert (balance["available"], balance["reserved"]) == (0, 180)
    # The refused ones took no seat with them.
    free = {slot["id"]: slot["free"] for slot in world.slots(PROVIDER, days=21)}
    lost = [slot for slot in slots if free.get(slot["id"], 0) < slot["free"]]
    assert len(lost) == 3


def test_a_slot_takes_as_many_as_it_has_seats(world: World) -> None:
    slot = max(world.slots(PROVIDER), key=lambda found: found["free"])
    citizens = [world.citizen() for _ in range(slot["free"] + 6)]
    vouchers = [world.voucher(citizen, 60, PROVIDER) for citizen in citizens]
    answers = at_once(
        len(citizens), lambda number: world.book(citizens[number], slot["id"], vouchers[number])
    )
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes == {201: slot["free"], 409: 6}
    for citizen, voucher, answer in zip(citizens, vouchers, answers, strict=True):
        reserved = 60 if answer.status_code == 201 else 0
        assert world.balance(citizen, voucher)["reserved"] == reserved


def test_the_same_key_twenty_times_at_once_is_one_booking(world: World) -> None:
    citizen = world.citizen()
    voucher = world.voucher(citizen, 600, PROVIDER)
    slot, other = world.slots(PROVIDER)[:2]
    key = str(uuid.uuid4())

    def book(_: int) -> httpx.Response:
        answer = world.book(citizen, slot["id"], voucher, key=key)
        # In flight is an honest answer; a good client asks again.
        while answer.status_code == 409 and "Retry-After" in answer.headers:
            answer = world.book(citizen, slot["id"], voucher, key=key)
        return answer

    answers = at_once(20, book)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert world.balance(citizen, voucher)["reserved"] == 60
    different = world.book(citizen, other["id"], voucher, key=key)
    assert problem(different) == (422, "idempotency-key-reused")
    assert world.balance(citizen, voucher)["reserved"] == 60


def test_a_person_registered_twice_at_once_is_one_person(world: World) -> None:
    who = cast.daughter("L733")
    # From an address of its own: the wrong attempts of other tests count against theirs.
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=world.instance.base_url, transport=elsewhere, timeout=15) as client:

        def register(number: int) -> httpx.Response:
            body = {"details": who.details, "username": f"{who.username}-{number}", "password": who.password}
            return client.post("/api/v1/people", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

        outcomes = Counter(answer.status_code for answer in at_once(8, register))
    assert outcomes == {201: 1, 409: 7}
