"""What races are made of: several at once, some that wait, and how each ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import Any, Self

import psycopg
import sqlalchemy as sa

from services.chassis.refusal import Refusal, Unavailable
from tests.support.polling import eventually
from tests.vouchers.world import World


def at_once(actions: Sequence[Callable[[], Any]]) -> Counter[str]:
    """Runs the actions together; how many ended how, as `how_it_ends` has it."""
    ready = Barrier(len(actions))

    def run(action: Callable[[], Any]) -> str:
        ready.wait()
        return how_it_ends(action)

    with ThreadPoolExecutor(len(actions)) as pool:
        return Counter(pool.map(run, actions))


def behind_a_lock(
    world: World, superuser: psycopg.Connection, rows: str, actions: Sequence[Callable[[], Any]]
) -> Counter[str]:
    """Locks `rows` (what follows SELECT) and lets them go once all `actions` wait for a lock; each is begun
    when the one before it waits. How many ended how, as `how_it_ends` has it.
    """
    with ThreadPoolExecutor(len(actions)) as pool:
        with world.database.transaction() as connection:
            connection.execute(sa.text(f"SELECT {rows} FOR UPDATE"))
            futures = []
            for number, action in enumerate(actions, start=1):
                futures.append(pool.submit(how_it_ends, action))
                eventually(lambda wanted: blocked(superuser) == wanted, number)
        return Counter(future.result(30) for future in futures)


def how_it_ends(action: Callable[[], Any]) -> str:
    """As "done", with a refusal, or given up by PostgreSQL."""
    try:
        action()
    except Unavailable as error:
        return type(getattr(error.__cause__, "orig", error)).__name__
    except Refusal as refusal:
        return refusal.type
    return "done"


def whole(world: World) -> bool:
    """Whether ledger, holds, balances and budgets agree."""
    return world.verified().faults == () and world.differences() == []


class waiting:  # noqa: N801 - reads as a statement
    """Starts work in another thread and returns once it waits for a lock of this one's transaction."""

    def __init__(self, superuser: psycopg.Connection) -> None:
        self._superuser = superuser
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def start(self, work: Callable[[], Any]) -> Future[Any]:
        future = self._pool.submit(work)
        eventually(lambda: self._blocked() or future.done(), timeout_seconds=30)
        assert not future.done(), "it did not wait"
        return future

    def _blocked(self) -> bool:
        return blocked(self._superuser) > 0


def blocked(superuser: psycopg.Connection) -> int:
    """How many wait for a lock."""
    query = "SELECT FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
    return superuser.execute(query).rowcount
