"""Each kind of process killed, the broker and the database stopped and started, in the middle of bookings."""

from __future__ import annotations

import signal
import time
from datetime import timedelta

import pytest

from tests.faults.load import Load, Purse
from tests.faults.reckoning import check
from tests.support.polling import eventually
from tests.system.world import World

PROVIDERS = ("ponte-sull-olona", "casa-tiglio")
CITIZENS = 4
HOURS = 150

PROCESSES = (
    "gateway",
    "catalogue-grpc",
    "catalogue-worker",
    "catalogue-relay",
    "vouchers-grpc",
    "vouchers-worker",
    "vouchers-relay",
    "notifications-worker",
    "notifications-deliver",
    "identity-grpc",
    "identity-relay",
)


@pytest.fixture
def load(breakable: World) -> Load:
    """Not yet running: citizens with vouchers, and slots to book."""
    purses = []
    for number in range(CITIZENS):
        citizen, provider = breakable.citizen(), PROVIDERS[number % len(PROVIDERS)]
        purses.append(Purse(citizen, breakable.voucher(citizen, HOURS * 60, provider), provider))
    slots = {provider: list(free_seats(breakable, provider)) for provider in PROVIDERS}
    return Load(breakable, purses, slots)


def free_seats(world: World, provider: str) -> dict[str, int]:
    """Slot → free seats, for days later than the notice that a cancellation needs."""
    first = world.first_day() + timedelta(days=3)
    return {slot["id"]: slot["free"] for slot in world.slots(provider, first_day=first, days=25)}


def acknowledged_more(load: Load, count: int) -> None:
    """Returns when so many bookings more were acknowledged."""
    goal = load.acknowledged + count
    eventually(lambda: load.acknowledged >= goal, timeout_seconds=60)


@pytest.mark.parametrize("program", PROCESSES)
def test_a_process_is_killed_in_the_middle_of_bookings(breakable: World, load: Load, program: str) -> None:
    with load:
        acknowledged_more(load, 5)
        before = breakable.instance.pid(program)
        breakable.instance.kill(program, signal.SIGKILL)
        eventually(lambda: breakable.instance.pid(program) not in {0, before}, timeout_seconds=30)
        acknowledged_more(load, 5)
    check(breakable, load)


def test_the_broker_stops_and_bookings_go_on(breakable: World, load: Load) -> None:
    with load:
        acknowledged_more(load, 5)
        breakable.instance.stop("rabbitmq")
        # Events wait in the outbox; nobody who books notices.
        acknowledged_more(load, 10)
        breakable.instance.start("rabbitmq")
        acknowledged_more(load, 5)
    check(breakable, load)


def test_the_broker_is_killed(breakable: World, load: Load) -> None:
    with load:
        acknowledged_more(load, 5)
        breakable.instance.kill("rabbitmq", signal.SIGKILL)
        acknowledged_more(load, 10)
    check(breakable, load)


def test_the_database_stops_and_comes_back(breakable: World, load: Load) -> None:
    with load:
        acknowledged_more(load, 5)
        breakable.instance.stop("postgres")
        time.sleep(1)  # so that requests meet a database that is not there
        breakable.instance.start("postgres")
        acknowledged_more(load, 5)
    check(breakable, load)


def test_the_database_crashes(breakable: World, load: Load) -> None:
    with load:
        acknowledged_more(load, 5)
        breakable.instance.kill("postgres", signal.SIGQUIT)
        acknowledged_more(load, 5)
    check(breakable, load)


def test_vouchers_hangs_and_unpaid_things_go_on(breakable: World, load: Load) -> None:
    """Frozen, not gone: calls to it run into their deadline instead of failing at once."""
    with load:
        acknowledged_more(load, 5)
        breakable.instance.kill("vouchers-grpc", signal.SIGSTOP)
        try:
            for _ in range(10):
                assert breakable.anyone.get("/services", q="assistenza").status_code == 200
        finally:
            breakable.instance.kill("vouchers-grpc", signal.SIGCONT)
        acknowledged_more(load, 5)
    check(breakable, load)


def test_vouchers_is_down_and_unpaid_things_go_on(breakable: World, load: Load) -> None:
    purse = load.purses[0]
    slot = load.slots[purse.provider][0]
    free = free_seats(breakable, purse.provider)
    breakable.instance.stop("vouchers-grpc")
    try:
        body = {"slot_id": slot, "voucher_id": purse.voucher}
        answer = purse.citizen.session.post("/bookings", body)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert breakable.anyone.get("/services", q="assistenza").status_code == 200
        # No seat is lost, at once or after the hold has lapsed.
        eventually(lambda: free_seats(breakable, purse.provider) == free, timeout_seconds=30)
    finally:
        breakable.instance.start("vouchers-grpc")
        breakable.instance.wait_ready()
