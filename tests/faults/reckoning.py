"""After a fault, once all is quiet: what was acknowledged exists once, and everything adds up."""

from __future__ import annotations

from collections import Counter

import httpx
import pika
import sqlalchemy as sa

from deploy.local.environment import SERVICES
from tests.faults.load import VISIT_MINUTES, Load
from tests.support.polling import eventually
from tests.system.world import World

_SETTLE_SECONDS = 90
_CONFIRMED = "ambito.catalogue.booking.confirmed.v1"
_OPEN = "('held', 'confirmed')"


class Books:
    """Read-only look into the databases, which no user of the system has."""

    def __init__(self, world: World) -> None:
        self._engines = {
            name: sa.create_engine(world.instance.database_url(name), poolclass=sa.NullPool)
            for name in SERVICES
        }

    def rows(self, service: str, statement: str, **values: object) -> list[tuple[object, ...]]:
        with self._engines[service].connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement), values)]

    def one(self, service: str, statement: str) -> object:
        return self.rows(service, statement)[0][0]


def settled(world: World) -> Books:
    """The books once every process is healthy, no event waits and no booking is undecided."""
    world.instance.wait_ready(timeout_seconds=_SETTLE_SECONDS)
    books = Books(world)

    def quiet() -> bool:
        waiting = [
            service
            for service in SERVICES
            if books.one(service, "SELECT count(*) FROM outbox WHERE published_at IS NULL")
        ]
        undecided = books.one("catalogue", "SELECT count(*) FROM booking WHERE state = 'held'")
        assert not waiting, f"events wait in {waiting}"
        assert not undecided, f"{undecided} bookings are held"
        assert differences(books) == []
        return True

    eventually(quiet, timeout_seconds=_SETTLE_SECONDS)
    return books


def differences(books: Books) -> list[str]:
    """Where seats, bookings, holds and vouchers disagree."""
    found = []
    seats = books.rows(
        "catalogue",
        """SELECT slot.id, slot.taken, count(booking.id) FROM slot LEFT JOIN booking
            ON booking.slot_id = slot.id AND booking.state IN ('held', 'confirmed', 'delivered')
            GROUP BY slot.id, slot.taken HAVING slot.taken <> count(booking.id)""",
    )
    found += [f"slot {slot}: {taken} seats taken, {count} bookings" for slot, taken, count in seats]
    booked = dict(
        books.rows(
            "catalogue",
            f"SELECT voucher_id, sum(minutes) FROM booking WHERE state IN {_OPEN} "  # noqa: S608
            "AND voucher_id IS NOT NULL GROUP BY voucher_id",
        )
    )
    reserved = dict(books.rows("vouchers", "SELECT id, reserved FROM voucher WHERE reserved > 0"))
    for voucher in booked.keys() | reserved.keys():
        if booked.get(voucher, 0) != reserved.get(voucher, 0):
            found.append(
                f"voucher {voucher}: {reserved.get(voucher, 0)} reserved, {booked.get(voucher, 0)} booked"
            )
    return found


def check(world: World, load: Load) -> None:
    """Every promise of a fault run. Raises AssertionError that says which one was broken."""
    assert load.wrong == []
    assert load.acknowledged > 0
    books = settled(world)
    for purse in load.purses:
        rows = books.rows(
            "catalogue",
            "SELECT id::text, state FROM booking WHERE voucher_id = :voucher",
            voucher=purse.voucher,
        )
        states = dict(rows)
        missing = [booking for booking in purse.booked if booking not in states]
        assert not missing, f"acknowledged and lost: {missing}"
        for booking in purse.booked:
            expected = "cancelled" if booking in purse.cancelled else "confirmed"
            assert states[booking] == expected, (booking, states[booking], expected)
        unasked = [key for key, state in rows if state == "confirmed" and key not in purse.booked]
        assert not unasked, f"confirmed, but its answer never came: {unasked}"
        balance = world.balance(purse.citizen, purse.voucher)
        assert balance["reserved"] == VISIT_MINUTES * len(purse.booked - purse.cancelled)
    assert world.instance.reconcile() == []
    _every_event_arrived_once(world, load, books)
    officer = world.staff("comune_officer:L733")
    for purse in load.purses:
        verified = officer.ok(officer.post("/ledger-verifications", {"voucher_id": purse.voucher}))
        assert verified["faults"] == []


def _every_event_arrived_once(world: World, load: Load, books: Books) -> None:
    """Each acknowledged booking: one confirmed event in the outbox, and that one in feed and queue."""
    mine_of: dict[str, set[str]] = {}
    for purse in load.purses:
        mine_of.setdefault(purse.provider, set()).update(purse.booked)
    rows = books.rows("catalogue", "SELECT subject FROM outbox WHERE type = :type", type=_CONFIRMED)
    emitted = Counter(str(subject) for (subject,) in rows)
    for provider, mine in mine_of.items():
        assert {booking: emitted[booking] for booking in mine} == dict.fromkeys(mine, 1)
        _is_in_the_feed(world, provider, mine)
        _reached_its_queue(world, provider, mine)
    assert {service: count for service in SERVICES if (count := dead_letters(world, service))} == {}


def _is_in_the_feed(world: World, provider: str, bookings: set[str]) -> None:
    """The cooperative's feed has each of them exactly once."""

    def arrived() -> bool:
        feed = Counter(
            event["subject"]
            for event in events(world, provider)
            if event["type"] == _CONFIRMED and event["subject"] in bookings
        )
        assert dict(feed) == dict.fromkeys(bookings, 1)
        return True

    eventually(arrived, timeout_seconds=_SETTLE_SECONDS)


def _reached_its_queue(world: World, provider: str, bookings: set[str]) -> None:
    """The cooperative's own queue brings each of them at least once; what is taken out is acknowledged."""
    missing = set(bookings)
    connection = pika.BlockingConnection(pika.URLParameters(world.instance.cooperative_amqp_url(provider)))
    channel = connection.channel()

    def all_taken() -> bool:
        method, properties, _ = channel.basic_get(f"coop.{provider}")
        while method is not None:
            if properties.headers["ce-type"] == _CONFIRMED:
                missing.discard(properties.headers["ce-subject"])
            channel.basic_ack(method.delivery_tag)
            method, properties, _ = channel.basic_get(f"coop.{provider}")
        return not missing

    try:
        eventually(all_taken, timeout_seconds=_SETTLE_SECONDS)
    finally:
        connection.close()


def dead_letters(world: World, service: str) -> int:
    """How many messages the service gave up."""
    management = world.instance.management_url()
    answer = httpx.get(f"{management}/api/queues", trust_env=False, timeout=10).raise_for_status()
    return sum(
        queue.get("messages", 0) for queue in answer.json() if queue["name"] == f"{service}.events.dead"
    )


def events(world: World, provider: str) -> list[dict[str, object]]:
    """The whole feed of a cooperative."""
    client, cursor, found = world.client(provider), "", []
    while True:
        page = client.ok(client.get("/events", after=cursor, limit=500))
        found += page["items"]
        cursor = page["next_cursor"]
        if not page["more"]:
            return found
