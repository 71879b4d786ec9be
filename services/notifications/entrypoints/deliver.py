"""The `deliver` process: sends what other processes have written down to be sent.

Plain threads. It is woken by a notification when something is queued, and looks by itself every second for
what has become due.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from prometheus_client import Gauge

from services.chassis import ops
from services.chassis.backoff import Backoff
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.logs import get_logger
from services.chassis.refusal import Unavailable
from services.notifications.bootstrap import email_deliverer, webhook_deliverer
from services.notifications.entrypoints.pool import AnyPool, Pool
from services.notifications.persistence.deliveries import WAKE_CHANNEL
from services.notifications.persistence.emails import oldest_due_email
from services.notifications.persistence.leases import oldest_due_delivery
from services.notifications.settings import NotificationsSettings

_OBSERVE_EVERY_SECONDS: Final = 10.0
_STUCK_AFTER_SECONDS: Final = 60.0

_log = get_logger(__name__)
_oldest = Gauge("deliver_oldest_due_seconds", "For how long the longest due attempt has been due", ["kind"])


def run(settings: NotificationsSettings, database: Database) -> None:
    """Until SIGTERM or SIGINT; attempts under way may then finish, for as long as the settings allow."""
    stopping, wake = threading.Event(), threading.Event()

    def stop(*_: object) -> None:
        stopping.set()
        wake.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    webhooks = webhook_deliverer(settings, database)
    emails = email_deliverer(settings, database)
    pools: list[AnyPool] = [
        Pool(
            "webhook",
            threads=settings.webhook_concurrency,
            claim=webhooks.claim,
            perform=webhooks.perform,
            on_free=wake.set,
        ),
        Pool(
            "email",
            threads=settings.email_concurrency,
            claim=emails.claim,
            perform=emails.perform,
            on_free=wake.set,
        ),
    ]
    loop = Loop(database, pools, wake=wake, stopping=stopping, poll_seconds=settings.deliver_poll_seconds)
    operations = ops.serve(settings.ops_bind, {"database": database.ping, "loop": loop.check})
    listener = threading.Thread(target=listen, args=(database, wake, stopping), name="listen", daemon=True)
    listener.start()
    _log.info("delivering")
    loop.run()
    until = time.monotonic() + settings.deliver_stop_grace_seconds
    if not all(pool.wait_idle(max(until - time.monotonic(), 0)) for pool in pools):
        _log.warning("attempts left behind: their leases will end, and they will be made again")
    operations.stop()


class Loop:
    """Keeps the pools filled until `stopping` is set."""

    def __init__(
        self,
        database: Database,
        pools: Sequence[AnyPool],
        *,
        wake: threading.Event,
        stopping: threading.Event,
        poll_seconds: float,
    ) -> None:
        self._database = database
        self._pools = pools
        self._wake = wake
        self._stopping = stopping
        self._poll_seconds = poll_seconds
        self._turned_at = time.monotonic()
        self._observe_at = 0.0

    def run(self) -> None:
        """While the database is away, waits for it; what is under way goes on."""
        pauses = Backoff(maximum_seconds=5.0)
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                for pool in self._pools:
                    pool.fill()
                self._observe()
            except Unavailable as error:
                pause = pauses.next_seconds()
                _log.warning(
                    "database unavailable", cause=str(error.__cause__), again_in_seconds=round(pause, 1)
                )
                self._stopping.wait(pause)
            else:
                pauses.reset()
                self._turned_at = time.monotonic()
                self._wake.wait(self._poll_seconds)

    def check(self) -> None:
        """Raises if nothing has been looked for during the last minute."""
        if time.monotonic() - self._turned_at > _STUCK_AFTER_SECONDS:
            raise TimeoutError("the loop does not turn")

    def _observe(self) -> None:
        if time.monotonic() < self._observe_at:
            return
        self._observe_at = time.monotonic() + _OBSERVE_EVERY_SECONDS
        oldest: dict[str, Callable[[sa.Connection, datetime], timedelta]] = {
            "webhook": oldest_due_delivery,
            "email": oldest_due_email,
        }
        with self._database.read() as connection:
            for kind, age in oldest.items():
                _oldest.labels(kind).set(age(connection, SystemClock().now()).total_seconds())


def listen(database: Database, wake: threading.Event, stopping: threading.Event) -> None:
    """Sets `wake` at every notification; connects again when the connection is lost."""
    pauses = Backoff(maximum_seconds=5.0)
    while not stopping.is_set():
        try:
            with database.session() as connection:
                connection.execute(sa.text(f"LISTEN {WAKE_CHANNEL}"))
                pauses.reset()
                wake.set()  # for what was said while nobody listened
                driver = connection.connection.driver_connection
                while not stopping.is_set():
                    for _ in driver.notifies(timeout=1.0, stop_after=1):  # type: ignore[union-attr]
                        wake.set()
        except Unavailable:
            stopping.wait(pauses.next_seconds())
