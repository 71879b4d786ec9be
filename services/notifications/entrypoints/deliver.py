"""The `deliver` process: sends what other processes have written down to be sent.

Plain threads. It looks every second for what has become due, and is woken by a notification when a webhook is
queued. One that serves some cooperatives apart delivers their webhooks and nothing else; the others leave
those to it, and say for how long they have waited.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
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
from services.notifications.domain.served import Served
from services.notifications.entrypoints.pool import AnyPool, Pool
from services.notifications.persistence.deliveries import WAKE_CHANNEL
from services.notifications.persistence.emails import oldest_due_email
from services.notifications.persistence.endpoints import count_by_state
from services.notifications.persistence.leases import oldest_due_delivery
from services.notifications.settings import NotificationsSettings

_OBSERVE_EVERY_SECONDS: Final = 10.0
_STUCK_AFTER_SECONDS: Final = 60.0
_EMAILS_AHEAD: Final = 4
"""For each thread, so that several share what a claim costs. An e-mail takes milliseconds to send."""

_log = get_logger(__name__)
Oldest = Callable[[sa.Connection, datetime], timedelta]
_oldest = Gauge("deliver_oldest_due_seconds", "For how long the longest due attempt has been due", ["kind"])
_endpoints = Gauge("webhook_endpoints", "Cooperatives' endpoints: active, failing, disabled", ["state"])


def run(settings: NotificationsSettings, database: Database) -> None:
    """Until SIGTERM or SIGINT; attempts under way may then finish, for as long as the settings allow."""
    stopping = threading.Event()
    loops = [_webhooks(settings, database, stopping)]
    if not settings.served.only:
        loops.append(_emails(settings, database, stopping))
    pools = [loop.pool for loop in loops]

    def stop(*_: object) -> None:
        stopping.set()
        for pool in pools:
            pool.wake.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    checks = {f"{loop.kind} loop": loop.check for loop in loops}
    operations = ops.serve(settings.ops_bind, {"database": database.ping} | checks)
    listening = (database, pools[0].wake, stopping)
    threading.Thread(target=listen, args=listening, name="listen", daemon=True).start()
    _log.info("delivering", only=settings.served.only, but=settings.served.but)
    with ThreadPoolExecutor(len(loops), thread_name_prefix="loop") as executor:
        turning = [executor.submit(loop.run) for loop in loops]
        wait(turning, return_when=FIRST_EXCEPTION)
        stop()
        for loop_run in turning:
            loop_run.result()  # what ended one of them unasked ends the process
    until = time.monotonic() + settings.deliver_stop_grace_seconds
    if not all(pool.wait_idle(max(until - time.monotonic(), 0)) for pool in pools):
        _log.warning("attempts left behind: their leases will end, and they will be made again")
    operations.stop()


class Loop:
    """Keeps a pool filled until `stopping` is set, and measures what waits, by kind."""

    def __init__(
        self,
        database: Database,
        pool: AnyPool,
        *,
        oldest: Mapping[str, Oldest],
        stopping: threading.Event,
        poll_seconds: float,
    ) -> None:
        self.kind = pool.kind
        self.pool = pool
        self._database = database
        self._oldest = oldest
        self._stopping = stopping
        self._poll_seconds = poll_seconds
        self._turned_at = time.monotonic()
        self._observe_at = 0.0

    def run(self) -> None:
        """While the database is away, waits for it; what is under way goes on."""
        pauses = Backoff(maximum_seconds=5.0)
        while not self._stopping.is_set():
            self.pool.wake.clear()
            try:
                self.pool.fill()
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
                self.pool.wake.wait(self._poll_seconds)

    def check(self) -> None:
        """Raises if nothing has been looked for during the last minute."""
        if time.monotonic() - self._turned_at > _STUCK_AFTER_SECONDS:
            raise TimeoutError(f"the {self.kind} loop does not turn")

    def _observe(self) -> None:
        if time.monotonic() < self._observe_at:
            return
        self._observe_at = time.monotonic() + _OBSERVE_EVERY_SECONDS
        with self._database.read() as connection:
            endpoints = count_by_state(connection) if self.kind == "webhook" else {}
            ages = {kind: age(connection, SystemClock().now()) for kind, age in self._oldest.items()}
        for kind, age in ages.items():
            _oldest.labels(kind).set(age.total_seconds())
        for state, number in endpoints.items():
            _endpoints.labels(state).set(number)


def _webhooks(settings: NotificationsSettings, database: Database, stopping: threading.Event) -> Loop:
    deliverer = webhook_deliverer(settings, database)
    pool = Pool(
        "webhook",
        threads=settings.webhook_concurrency,
        claim=deliverer.claim,
        perform=deliverer.perform,
        of=attrgetter("endpoint_id"),
        share=settings.webhook_endpoint_concurrency,
    )
    served = settings.served
    oldest: dict[str, Oldest] = {"webhook": partial(oldest_due_delivery, served=served)}
    if served.but:  # so that it shows when the process that should deliver them is missing
        oldest["webhook-apart"] = partial(oldest_due_delivery, served=Served(only=served.but))
    return Loop(database, pool, oldest=oldest, stopping=stopping, poll_seconds=settings.deliver_poll_seconds)


def _emails(settings: NotificationsSettings, database: Database, stopping: threading.Event) -> Loop:
    sender = email_deliverer(settings, database)
    threads = settings.email_concurrency
    pool = Pool(
        "email",
        threads=threads,
        ahead=_EMAILS_AHEAD * threads,
        claim=sender.claim,
        perform=sender.perform,
    )
    oldest = {"email": oldest_due_email}
    return Loop(database, pool, oldest=oldest, stopping=stopping, poll_seconds=settings.deliver_poll_seconds)


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
