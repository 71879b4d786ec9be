"""Rows about attempts, held by several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import sqlalchemy as sa

from services.identity.application.throttling import by_address, throttled
from services.identity.domain.throttle import Attempts
from services.identity.persistence import throttles
from tests.identity.world import NOW, World
from tests.support.polling import eventually

KEY = b"k" * 32
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def test_a_row_forgotten_while_another_waits_for_it_begins_anew(world: World) -> None:
    database = world.parts.database

    def hold() -> int:
        with database.transaction() as connection:
            return throttles.hold(connection, KEY, NOW + timedelta(seconds=1)).count

    with database.transaction() as connection:
        throttles.hold(connection, KEY, NOW)
        throttles.save(connection, KEY, Attempts(3, NOW, NOW))
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as connection:
            assert throttles.hold(connection, KEY, NOW).count == 3
            waiting = pool.submit(hold)
            eventually(lambda: _waiting(world) == 1)
            throttles.forget(connection, KEY)
        assert waiting.result(10) == 0


def _waiting(world: World) -> int:
    with world.parts.database.read() as connection:
        return int(connection.execute(sa.text(WAITING)).scalar_one())


def test_who_waited_for_the_row_is_not_refused_for_reading_the_clock_first(world: World) -> None:
    """Two arrive together; the second to read the clock is the first to have the row."""
    database, clock = world.parts.database, world.clock
    index = world.parts.data.index_throttle("address", "192.0.2.1")
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as connection:
            throttles.hold(connection, index, clock.now() + timedelta(milliseconds=1))
            waiting = pool.submit(_attempt, world)
            eventually(lambda: _waiting(world) == 1)
            clock.advance(timedelta(milliseconds=2))
        waiting.result(10)


def _attempt(world: World) -> None:
    with throttled(world.parts, *by_address("192.0.2.1")):
        pass
