"""Rows about attempts, held by several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import sqlalchemy as sa

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
