"""Whose feeds have grown, told at once to everybody who watches.

A transaction that adds to a feed says so when it commits, by NOTIFY. What it added can be read only when
every older transaction has ended, too (`persistence.feed`): that is waited for, and only then it is told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from services.chassis.backoff import Backoff
from services.chassis.database import Database
from services.chassis.logs import get_logger
from services.notifications.persistence import feed
from services.notifications.persistence.feed import GROWN_CHANNEL, Growth

_LISTEN_SECONDS: Final = 1.0
_LOOK_AGAIN_SECONDS: Final = 0.005
"""While something has been added that cannot be read yet."""

_log = get_logger(__name__)


@dataclass(frozen=True)
class Grown:
    """Cooperatives whose feeds have something new to read; `any`: it may be any of them."""

    providers: frozenset[str] = frozenset()
    any: bool = False


class FeedWatch:
    """Listens to one database from the first time on that somebody watches, in a thread of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        """Of what stands here."""
        self._watchers: set[_Watcher] = set()
        self._thread: threading.Thread | None = None
        self._listening = False
        self._ending = threading.Event()

    def watch(self, seconds: float, when_left: Callable[[Callable[[], None]], bool]) -> Iterator[Grown]:
        """For so long, what has grown since it was last told; first that it may be any, once it is listened.

        `when_left` takes what to call when whoever watches has left, and says whether they are still there.
        """
        until = time.monotonic() + seconds
        watcher = _Watcher()
        with self._lock:
            if self._ending.is_set():
                return
            self._watchers.add(watcher)
            if self._listening:
                watcher.tell(Grown(any=True))
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="feed-watch", daemon=True)
                self._thread.start()
        try:
            if when_left(watcher.end):
                while (grown := watcher.wait(until - time.monotonic())) is not None:
                    yield grown
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    def end(self) -> None:
        """Nobody is told anything any more."""
        with self._lock:
            self._ending.set()
            for each in self._watchers:
                each.end()

    def _listen(self) -> None:
        pauses = Backoff(maximum_seconds=5.0)
        while not self._ending.is_set():
            try:
                with self._database.session() as connection:
                    connection.execute(sa.text(f"LISTEN {GROWN_CHANNEL}"))
                    pauses.reset()
                    self._tell(Grown(any=True), listening=True)  # what was said while nobody listened
                    self._follow(connection)
            except Exception as error:  # noqa: BLE001  # whatever it is, this thread must go on
                pause = pauses.next_seconds()
                _log.warning(
                    "feeds are not watched",
                    cause=str(error.__cause__ or error),
                    again_in_seconds=round(pause, 1),
                )
                self._tell(Grown(), listening=False)
                self._ending.wait(pause)

    def _follow(self, connection: sa.Connection) -> None:
        driver = connection.connection.driver_connection
        unsettled: dict[str, int] = {}
        while not self._ending.is_set():
            patience = _LOOK_AGAIN_SECONDS if unsettled else _LISTEN_SECONDS
            for each in driver.notifies(timeout=patience, stop_after=1):  # type: ignore[union-attr]
                growth = Growth.parse(each.payload)
                unsettled[growth.provider] = growth.xid
            if unsettled:
                before = feed.settled_before(connection)
                grown = frozenset(provider for provider, xid in unsettled.items() if xid < before)
                unsettled = {each: xid for each, xid in unsettled.items() if each not in grown}
                self._tell(Grown(grown), listening=True)

    def _tell(self, grown: Grown, *, listening: bool) -> None:
        with self._lock:
            self._listening = listening
            if grown != Grown():
                for each in self._watchers:
                    each.tell(grown)


class _Watcher:
    """Somebody who watches, and what they have not been told yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._untold = Grown()
        self._ended = False

    def tell(self, grown: Grown) -> None:
        with self._changed:
            before = self._untold
            self._untold = Grown(before.providers | grown.providers, before.any or grown.any)
            self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()

    def wait(self, seconds: float) -> Grown | None:
        """What there is to tell, as soon as there is something; None when the time is over, or all is."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._untold != Grown(), max(seconds, 0.0))
            untold, self._untold = self._untold, Grown()
            return None if self._ended or untold == Grown() else untold
