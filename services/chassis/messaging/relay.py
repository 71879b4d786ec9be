"""The relay: publishes what stands in the outbox, marks it once the broker has it, and deletes it in time.

One relay is active per database; others stand by. It is woken by a notification when it sleeps, and looks by
itself every second. Whatever fails, rows stay until the broker has confirmed them; a failure between the
confirm and the mark means that an event is published again, with the same id.
"""

import signal
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import amqp
import sqlalchemy as sa
from prometheus_client import Gauge

from services.chassis import crash_points, locks, ops
from services.chassis.backoff import Backoff
from services.chassis.database import Database
from services.chassis.database_status import database_status
from services.chassis.definition import ServiceDefinition
from services.chassis.logs import get_logger
from services.chassis.messaging.flight import Flights
from services.chassis.messaging.pending import Pending, Row, first_of_each
from services.chassis.messaging.publisher import BrokerLost, ConfirmingPublisher
from services.chassis.messaging.retention import Retention, purge
from services.chassis.messaging.tables import WAKE_CHANNEL, messaging_tables
from services.chassis.messaging.topology_check import check_exchanges
from services.chassis.refusal import Unavailable
from services.chassis.settings import ServiceSettings

_PURGE_EVERY_SECONDS: Final = 600.0
_OBSERVE_EVERY_SECONDS: Final = 1.0
_FALLING_ASLEEP_MS: Final = 50
_AWAKE_SECONDS: Final = 0.025
"""After an event, the relay looks a few times more before it goes to sleep: that takes four statements, and
while people book, the next event is there before it sleeps.
"""
_LOOK_EVERY_SECONDS: Final = 0.005
_LONGEST_PAUSE_SECONDS: Final = 3.0
"""Between two tries to reach a broker or a database that is away: events wait no longer than that once it is
back."""

_log = get_logger(__name__)
_active = Gauge("relay_active", "1 while this process publishes, 0 while it stands by")
_oldest = Gauge("outbox_oldest_unpublished_seconds", "Age of the oldest event not yet published")
_unpublished = Gauge("outbox_unpublished", "Events not yet published, counted up to 10,000")


def run(settings: ServiceSettings, definition: ServiceDefinition, database: Database) -> None:
    """The `relay` process: until SIGTERM or SIGINT, or until the topology turns out to be wrong."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    relay = Relay(settings, definition.name, database, stopping)
    checks = {"database": database.ping, "broker": relay.check_broker}
    operations = ops.serve(settings.ops_bind, checks, partial(database_status, database, definition))
    try:
        relay.run()
    finally:
        operations.stop()


class Relay:
    """Publishes the events of one service's database until `stopping` is set."""

    def __init__(
        self, settings: ServiceSettings, service: str, database: Database, stopping: threading.Event
    ) -> None:
        self._settings = settings
        self._service = service
        self._database = database
        self._stopping = stopping
        self._tables = messaging_tables(sa.MetaData())
        self._pending = Pending(self._tables, retry_maximum_seconds=settings.relay_retry_maximum_seconds)
        self._retention = Retention(
            outbox=timedelta(days=settings.outbox_retention_days),
            inbox=timedelta(days=settings.inbox_retention_days),
            idempotency=timedelta(days=settings.idempotency_retention_days),
        )
        self._publisher = ConfirmingPublisher(
            settings.amqp_url,
            confirm_timeout_seconds=settings.relay_confirm_timeout_seconds,
            heartbeat_seconds=settings.broker_heartbeat_seconds,
            name=f"{service}-relay",
            on_connect=self._check_exchanges,
        )
        self._in_flight = Flights(service)
        self._broker_pauses = Backoff(maximum_seconds=_LONGEST_PAUSE_SECONDS)
        self._awake_until = 0.0
        self._leading = False
        self._observe_at = 0.0
        self._purge_at = 0.0

    def run(self) -> None:
        """Publish; raise `TopologyError` when the exchanges to publish on are missing."""
        pauses = Backoff(maximum_seconds=_LONGEST_PAUSE_SECONDS)
        while not self._stopping.is_set():
            try:
                with self._database.session() as connection:
                    pauses.reset()
                    if self._take_the_lead(connection):
                        self._lead(connection)
            except Unavailable as error:
                pause = pauses.next_seconds()
                _log.warning(
                    "database unavailable", cause=str(error.__cause__), again_in_seconds=round(pause, 1)
                )
                self._stopping.wait(pause)
            finally:
                self._leading = False
                _active.set(0)
                _oldest.set(0)
                _unpublished.set(0)
                self._publisher.close()
                self._in_flight.forget()

    def check_broker(self) -> None:
        """Raise while this relay should publish and has no broker; one that takes nothing now is there."""
        if self._leading and not self._publisher.connected:
            raise BrokerLost("not connected")

    def _take_the_lead(self, connection: sa.Connection) -> bool:
        told = False
        while not locks.try_lock(connection, locks.RELAY):
            if not told:
                _log.info("standing by: another relay is active")
                told = True
            if self._stopping.wait(self._settings.relay_poll_seconds):
                return False
        self._leading = True
        _active.set(1)
        _log.info("publishing")
        return True

    def _lead(self, connection: sa.Connection) -> None:
        connection.execute(sa.text(f"LISTEN {WAKE_CHANNEL}"))
        connection.execute(sa.text(f"SET lock_timeout = '{_FALLING_ASLEEP_MS}ms'"))
        while not self._stopping.is_set():
            self._housekeep(connection)
            try:
                self._publisher.connect()
                if self._publish(connection):
                    continue
                if time.monotonic() < self._awake_until:
                    self._stopping.wait(_LOOK_EVERY_SECONDS)
                else:
                    self._publisher.keep_alive()
                    self._broker_pauses.reset()
                    self._sleep(connection)
            except BrokerLost as error:
                self._forget_in_flight(connection)
                pause = self._broker_pauses.next_seconds()
                _log.warning("broker lost", cause=str(error), again_in_seconds=round(pause, 1))
                self._stopping.wait(pause)
        try:
            self._settle(connection, self._publisher.answers(at_least=len(self._in_flight)))
        except BrokerLost:
            self._forget_in_flight(connection)

    def _publish(self, connection: sa.Connection) -> bool:
        """Send what is due and has room among those in flight, one event of each aggregate; or, when there is
        no more of it, settle what the broker has answered. Whether there is more to do now.

        Half of the room is filled while the broker works on the other half.
        """
        half = max(1, self._settings.relay_batch_size // 2)
        room = self._settings.relay_batch_size - len(self._in_flight)
        rows: Sequence[Row] = ()
        most = self._publisher.room_for(half) if room >= half else 0
        if most:
            rows = self._pending.next(connection, most, besides=self._in_flight.subjects())
            self._publisher.send(self._in_flight.begin(first_of_each(rows)))
        if len(rows) < half and self._in_flight:
            self._settle(connection, self._publisher.answers(at_least=max(1, half - room)))
            self._awake_until = time.monotonic() + _AWAKE_SECONDS
        return len(rows) == half or bool(self._in_flight)

    def _settle(self, connection: sa.Connection, answers: Mapping[int, str | None]) -> None:
        """Write down what the broker has answered."""
        confirmed = [number for number, reason in answers.items() if reason is None]
        refused = {number: reason for number, reason in answers.items() if reason is not None}
        if confirmed:
            crash_points.crash_point(crash_points.RELAY)
            self._broker_pauses.reset()
            self._pending.mark_published(connection, confirmed)
        if refused:
            self._pending.hold_back(connection, refused)
            _log.warning(
                "events not taken by the broker", count=len(refused), reasons=sorted(set(refused.values()))
            )
        self._in_flight.landed(answers)

    def _forget_in_flight(self, connection: sa.Connection) -> None:
        """The connection is gone: what was answered before stays known, all else is published again."""
        self._settle(connection, self._publisher.answers(at_least=0))
        self._in_flight.forget()

    def _sleep(self, connection: sa.Connection) -> None:
        """Until an event is written, or the time to look again has come.

        The lock says "asleep" to the trigger on the outbox. It is granted when every transaction that wrote
        an event and saw the relay awake has ended; hence one more look.
        """
        if not locks.lock(connection, locks.RELAY_ASLEEP):
            return  # such a transaction is still running
        try:
            if not self._publisher.room_for(1) or not self._pending.next(connection, 1):
                driver = connection.connection.driver_connection
                for _ in driver.notifies(timeout=self._settings.relay_poll_seconds, stop_after=1):  # type: ignore[union-attr]
                    pass
        finally:
            locks.unlock(connection, locks.RELAY_ASLEEP)

    def _housekeep(self, connection: sa.Connection) -> None:
        now = time.monotonic()
        if now >= self._observe_at:
            self._observe_at = now + _OBSERVE_EVERY_SECONDS
            backlog = self._pending.backlog(connection)
            _oldest.set(backlog.oldest_age_seconds)
            _unpublished.set(backlog.count)
        if now >= self._purge_at:
            self._purge_at = now + _PURGE_EVERY_SECONDS
            if deleted := purge(connection, self._tables, self._retention):
                _log.info("purged rows past their retention", rows=deleted)

    def _check_exchanges(self, channel: amqp.Channel) -> None:
        check_exchanges(channel, self._service)
