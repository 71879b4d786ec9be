"""Each kind of fault alone, in the middle of bookings; nothing is lost, doubled or wrong after it."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable

import pytest

from tests.faults.kinds import BY_NAME
from tests.faults.kinds.broker import disk_full
from tests.faults.kinds.processes import PROGRAMS
from tests.faults.load import Load
from tests.faults.people import free_seats
from tests.faults.site import Site
from tests.support.polling import eventually

Check = Callable[[], None]
UNCONCERNED = ("identity-worker", "notifications-grpc", "notifications-relay")
"""They take no part in bookings; the storm kills them, too."""
KILLED = [name for name in PROGRAMS if name not in UNCONCERNED]


def acknowledged_more(load: Load, count: int) -> None:
    """Returns when so many bookings more were acknowledged."""
    goal = load.acknowledged + count
    eventually(lambda: load.acknowledged >= goal, timeout_seconds=60)


@pytest.mark.parametrize("program", KILLED)
def test_a_process_is_killed_in_the_middle_of_bookings(
    site: Site, load: Load, check: Check, program: str
) -> None:
    with load:
        acknowledged_more(load, 5)
        BY_NAME[f"kill -9 {program}"].strike(site, 0, seed=1)
        acknowledged_more(load, 5)
    check()


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("RabbitMQ's connections closed", 0),
        ("a queue full", 1),
        ("PostgreSQL stopped", 1),
        ("PostgreSQL crashed", 0),
        ("PostgreSQL's connections terminated", 0),
        ("PostgreSQL has no connection left", 1),
        ("a table locked", 2),
        ("the disk full", 1),
        ("events again, out of order", 0),
        ("malformed messages", 0),
        ("a webhook receiver redirects", 0),
        ("a webhook receiver answers 410", 0),
        ("catalogue-grpc dies, booked and not answered", 0),
        ("vouchers-grpc dies, held and not answered", 0),
        ("catalogue-relay dies, published and not marked", 0),
        ("vouchers-worker dies, released and not acknowledged", 0),
        ("catalogue → vouchers stalls", 1),
        ("vouchers → its database stalls", 1),
        ("catalogue → broker stalls", 1),
        ("a client asks many times at once", 0),
        ("a client hangs up and asks again", 0),
        ("catalogue-grpc's clock an hour behind", 1),
        ("everybody's clock an hour ahead", 1),
    ],
)
def test_a_fault_in_the_middle_of_bookings(
    site: Site, load: Load, check: Check, name: str, seconds: float
) -> None:
    with load:
        acknowledged_more(load, 5)
        BY_NAME[name].strike(site, seconds, seed=1)
        acknowledged_more(load, 5)
    check()


def test_the_broker_stops_and_bookings_go_on(site: Site, load: Load, check: Check) -> None:
    with load:
        acknowledged_more(load, 5)
        site.instance.stop("rabbitmq")
        try:
            # Events wait in the outbox; nobody who books notices.
            acknowledged_more(load, 10)
        finally:
            site.instance.start("rabbitmq")
        acknowledged_more(load, 5)
    check()


def test_the_brokers_disk_is_full_and_bookings_go_on(site: Site, load: Load, check: Check) -> None:
    """It goes on taking bytes off the network for a while, and confirms nothing."""
    waiting = "outbox WHERE published_at IS NULL AND created_at < now() - interval '1 second'"
    with load:
        acknowledged_more(load, 5)
        with disk_full(site, random.Random(1)):  # noqa: S311  # chance, not a secret
            eventually(lambda: site.count("catalogue", waiting) > 0, timeout_seconds=30)
            acknowledged_more(load, 10)
        acknowledged_more(load, 5)
    check()


def test_the_broker_is_killed(site: Site, load: Load, check: Check) -> None:
    with load:
        acknowledged_more(load, 5)
        site.instance.kill("rabbitmq", signal.SIGKILL)
        acknowledged_more(load, 10)
    check()


def test_vouchers_hangs_and_unpaid_things_go_on(site: Site, load: Load, check: Check) -> None:
    """Frozen, not gone: calls to it run into their deadline instead of failing at once."""
    with load:
        acknowledged_more(load, 5)
        site.instance.kill("vouchers-grpc", signal.SIGSTOP)
        try:
            for _ in range(10):
                assert site.world.anyone.get("/services", q="assistenza").status_code == 200
        finally:
            site.instance.kill("vouchers-grpc", signal.SIGCONT)
        acknowledged_more(load, 5)
    check()


def test_vouchers_is_down_and_unpaid_things_go_on(site: Site, load: Load) -> None:
    purse = load.purses[0]
    slot = load.market.slots[purse.provider][-1]
    free = free_seats(site, purse.provider)
    site.instance.stop("vouchers-grpc")
    try:
        body = {"slot_id": slot, "voucher_id": purse.voucher}
        answer = purse.citizen.session.post("/bookings", body)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert site.world.anyone.get("/services", q="assistenza").status_code == 200
        # No seat is lost, at once or after the hold has lapsed.
        eventually(lambda: free_seats(site, purse.provider) == free, timeout_seconds=30)
    finally:
        site.instance.start("vouchers-grpc")
        site.instance.wait_ready()
