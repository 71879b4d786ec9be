"""Races of workers that end several holds in one transaction: first without the order, then as it is."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import psycopg
import pytest

from services.chassis.ids import new_id
from services.chassis.messaging.received import Handler, one_by_one
from services.contracts.events.base import EventData
from services.contracts.events.catalogue import BookingCancelled, BookingDelivered
from services.vouchers.entrypoints.worker import subscriptions
from services.vouchers.persistence import hold_endings
from services.vouchers.settings import VouchersSettings
from tests.support.polling import eventually
from tests.vouchers.racing import behind_a_lock, blocked, how_it_ends, whole
from tests.vouchers.world import World


class TestSeveralTogether:
    """A worker ends holds of several bookings in one transaction, while one of them is being written: it has
    claimed its booking, and waits for the voucher of both.
    """

    def both(self, world: World, superuser: psycopg.Connection, handler: Handler) -> Counter[str]:
        """How the worker and the hold ended."""
        voucher, held, late = world.voucher(), new_id(), new_id()
        world.hold(voucher, held)
        events = [world.message(BookingCancelled, each) for each in (held, late)]
        endings = (lambda: world.run(handler, events), lambda: world.hold(voucher, late))
        ended = behind_a_lock(world, superuser, f"FROM voucher WHERE id = '{voucher.id}'", endings)
        assert whole(world)
        return ended

    def test_wait_for_each_other_when_the_late_one_comes_last(
        self, world: World, superuser: psycopg.Connection
    ) -> None:
        assert self.both(world, superuser, one_after_the_other(world)) == {"DeadlockDetected": 1, "done": 1}

    def test_the_late_one_is_refused(self, world: World, superuser: psycopg.Connection) -> None:
        ended = self.both(world, superuser, handler_of(world, BookingCancelled))
        assert ended == {"done": 1, "booking-already-released": 1}


class TestSeveralVouchers:
    """Two workers end holds of the same two vouchers, each several in one transaction."""

    def both(self, world: World, superuser: psycopg.Connection, handler: Handler) -> Counter[str]:
        """How they ended."""
        first, second = sorted((world.voucher(), world.voucher()), key=lambda each: str(each.id))
        booked = {voucher.id: [new_id(), new_id()] for voucher in (first, second)}
        for voucher in (first, second):
            for booking in booked[voucher.id]:
                world.hold(voucher, booking)
        visits = [
            [booked[second.id][0], booked[first.id][0]],
            [booked[first.id][1], booked[second.id][1]],
        ]
        together = [[world.message(BookingDelivered, each) for each in bookings] for bookings in visits]
        endings = [partial(world.run, handler, events) for events in together]
        # The last of each waits for this, and so for the other's voucher only when both have begun.
        last = ", ".join(f"'{bookings[-1]}'" for bookings in visits)
        ended = behind_a_lock(world, superuser, f"FROM hold WHERE booking_id IN ({last})", endings)
        assert whole(world)
        return ended

    def test_wait_for_each_other_in_a_circle_when_they_come_as_they_are(
        self, world: World, superuser: psycopg.Connection
    ) -> None:
        ended = self.both(world, superuser, one_after_the_other(world))
        assert ended == {"DeadlockDetected": 1, "done": 1}

    def test_are_taken_in_one_order(self, world: World, superuser: psycopg.Connection) -> None:
        assert self.both(world, superuser, handler_of(world, BookingDelivered)) == {"done": 2}


class TestReleasesAndConsumptions:
    """Two transactions end a hold of each of two vouchers, one what the other does last first: releases come
    before consumptions.
    """

    def both(self, world: World, superuser: psycopg.Connection) -> Counter[str]:
        """How they ended."""
        vouchers = world.voucher(), world.voucher()
        here, there = ([new_id(), new_id()] for _ in vouchers)
        for voucher, mine, others in zip(vouchers, here, reversed(there), strict=True):
            world.hold(voucher, mine)
            world.hold(voucher, others)
        now = world.clock.now()
        events = [world.message(BookingCancelled, there[0]), world.message(BookingDelivered, there[1])]

        def end_here() -> None:
            with world.database.transaction() as connection:
                kept = hold_endings.lock(connection, here[:1], here[1:], now)
                hold_endings.release(connection, {here[0]: kept[here[0]]}, now)
                ended.append(pool.submit(how_it_ends, partial(world.run, world.end_holds, events)))
                eventually(lambda: blocked(superuser) == 1)
                hold_endings.consume(connection, {here[1]: kept[here[1]]}, now)

        ended: list[Future[str]] = []
        with ThreadPoolExecutor(1) as pool:
            first = how_it_ends(end_here)
            return Counter([first, *(future.result(30) for future in ended)])

    def test_wait_for_each_other_in_a_circle_when_vouchers_are_not_locked_before(
        self, world: World, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hold_endings, "_LOCK_VOUCHERS", SimpleNamespace(run=lambda *_: 0))
        assert self.both(world, superuser) == {"DeadlockDetected": 1, "done": 1}
        assert whole(world)

    def test_lock_all_vouchers_before_any_hold_ends(
        self, world: World, superuser: psycopg.Connection
    ) -> None:
        assert self.both(world, superuser) == {"done": 2}
        assert whole(world)


def one_after_the_other(world: World) -> Handler:
    """Each as if it were the only one, so that nothing is put in order."""
    return one_by_one(lambda connection, event: world.end_holds(connection, [event]))


def handler_of(world: World, model: type[EventData]) -> Handler:
    """The worker's own, for these events."""
    all_there_are = subscriptions(VouchersSettings.model_construct(), world.database)
    [handler] = [each.handler for each in all_there_are if model.event_type() in each.event_types]
    return handler
