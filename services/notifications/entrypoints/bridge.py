"""The `bridge` process: a cooperative's events, from its queue here to a broker of its own.

At least once and in order: an event is acknowledged here when the cooperative's broker has confirmed it, and
of one subject only one is on its way at a time. While that broker is away, or refuses, nothing is taken:
events wait in the queue, where they can be seen. Of two bridges one works: what another reader holds, a dead
one's even, would be overtaken.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import amqp
from amqp.exceptions import AMQPError
from prometheus_client import Counter, Gauge

from services.chassis import ops
from services.chassis.backoff import Backoff
from services.chassis.logs import configure, get_logger
from services.chassis.messaging.connection import connect
from services.chassis.messaging.delivery import CannotPassOn, Delivery
from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.publisher import BrokerLost, ConfirmingPublisher
from services.chassis.process import read_settings
from services.notifications.bridge_settings import BridgeSettings

_SERVICE, _PROCESS = "notifications", "bridge"
_CONNECT_TIMEOUT_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 1.0
_STUCK_AFTER_SECONDS: Final = 120.0
"""More than the longest pause and one round take together."""

_log = get_logger(__name__)
_forwarded = Counter("bridge_forwarded_total", "Events that the cooperative's broker has confirmed")
_refused = Counter("bridge_refused_total", "Events that it did not take; each is offered again later")
_connected = Gauge("bridge_connected", "1 while events can be passed on to the cooperative's broker")


class SourceLost(Exception):
    """Our own broker could not be reached, or refused."""


def run() -> None:
    """Until SIGTERM or SIGINT."""
    settings = read_settings(BridgeSettings, _SERVICE, _PROCESS)
    configure(_SERVICE, _PROCESS, settings.log_level)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    bridge = Bridge(settings, stopping)
    operations = ops.serve(settings.ops_bind, {"broker": bridge.check})
    try:
        bridge.run()
    finally:
        operations.stop()


@dataclass(frozen=True, slots=True)
class _Held:
    """An event that is not acknowledged yet, as it is to be passed on."""

    tag: int
    subject: object
    outgoing: Outgoing


class Bridge:
    """Passes on the events of one queue until `stopping` is set."""

    def __init__(self, settings: BridgeSettings, stopping: threading.Event) -> None:
        self._settings = settings
        self._stopping = stopping
        self._target = ConfirmingPublisher(
            settings.bridge_target_url,
            confirm_timeout_seconds=settings.bridge_confirm_timeout_seconds,
            heartbeat_seconds=settings.broker_heartbeat_seconds,
            name=f"ambito bridge of {settings.cooperatives}",
            authorities=settings.bridge_target_authorities,
        )
        self._held: deque[_Held] = deque()
        """Events in the order in which they came."""
        self._pauses = Backoff(maximum_seconds=settings.bridge_retry_maximum_seconds)
        self._source_lost = False
        self._turned_at = time.monotonic()

    def run(self) -> None:
        """Passes events on; both brokers are tried again for ever."""
        while not self._stopping.is_set():
            try:
                self._pass_on()
            except (BrokerLost, SourceLost) as error:
                self._source_lost = isinstance(error, SourceLost)
                whose = "our broker lost" if self._source_lost else "the cooperative's broker takes nothing"
                pause = self._pauses.next_seconds()
                _log.warning(whose, cause=str(error), again_in_seconds=round(pause, 1))
                self._turned_at = time.monotonic()
                self._stopping.wait(pause)

    def check(self) -> None:
        """Raise while events cannot be taken from our own broker. A cooperative's broker that is away is its
        own matter, and seen by `bridge_connected`.
        """
        if self._source_lost:
            raise BrokerLost("not connected")
        if time.monotonic() - self._turned_at > _STUCK_AFTER_SECONDS:
            raise TimeoutError("the bridge does not turn")

    def _pass_on(self) -> None:
        try:
            self._target.connect()  # first: nothing is taken that cannot be passed on
            with self._consuming() as channel:
                self._source_lost = False
                _connected.set(1)
                _log.info("passing on", queue=self._settings.queue)
                while not self._stopping.is_set():
                    self._turned_at = time.monotonic()
                    with _source_errors():
                        self._take(channel.connection)
                    if self._held:
                        self._round(channel)
                    else:
                        self._target.keep_alive()
        finally:
            _connected.set(0)
            self._target.close()

    @contextlib.contextmanager
    def _consuming(self) -> Iterator[amqp.Channel]:
        """A channel on which the queue's events come in; what was not acknowledged goes back to the queue."""
        settings = self._settings
        with _source_errors():
            connection = connect(
                settings.source_url,
                timeout_seconds=_CONNECT_TIMEOUT_SECONDS,
                heartbeat_seconds=settings.broker_heartbeat_seconds,
                name=f"bridge of {settings.cooperatives}",
            )
        try:
            with _source_errors(), connection.transport.having_timeout(_CONNECT_TIMEOUT_SECONDS):
                channel = connection.channel()
                self._wait_for_others(channel)
                channel.basic_qos(0, settings.bridge_prefetch, a_global=False)
                channel.basic_consume(settings.queue, callback=self._hold)
                if self._readers(channel) > 1:
                    raise SourceLost("somebody else reads the queue now")
            try:
                yield channel
            finally:
                with (
                    contextlib.suppress(AMQPError, OSError),
                    connection.transport.having_timeout(_CONNECT_TIMEOUT_SECONDS),
                ):
                    self._readers(channel)  # whoever answers has taken the acknowledgements before it
        finally:
            connection.collect()
            self._held.clear()

    def _wait_for_others(self, channel: amqp.Channel) -> None:
        """Until nobody reads the queue: a reader is gone when all that it held is back."""
        told = False
        while self._readers(channel) and not self._stopping.is_set():
            if not told:
                _log.info("standing by: somebody else reads the queue")
                told = True
            self._turned_at = time.monotonic()
            self._stopping.wait(_IDLE_SECONDS)
            self._target.keep_alive()
            channel.connection.heartbeat_tick()

    def _readers(self, channel: amqp.Channel) -> int:
        return int(channel.queue_declare(self._settings.queue, passive=True).consumer_count)

    def _hold(self, message: amqp.Message) -> None:
        delivery = Delivery.of(message)
        try:
            outgoing = delivery.to_elsewhere(self._settings.bridge_target_exchange)
        except CannotPassOn as error:  # no event of ours: it would stop all those behind it
            _log.error("not passed on", cause=str(error))
            message.channel.basic_reject(message.delivery_tag, requeue=False)
        else:
            self._held.append(_Held(message.delivery_tag, delivery.headers.get("ce-subject"), outgoing))

    def _take(self, connection: amqp.Connection) -> None:
        """What has come in; waits for it if nothing is held."""
        with contextlib.suppress(TimeoutError):
            connection.drain_events(timeout=0.001 if self._held else _IDLE_SECONDS)
            while len(self._held) < self._settings.bridge_prefetch:
                connection.drain_events(timeout=0.001)
        connection.heartbeat_tick()

    def _round(self, channel: amqp.Channel) -> None:
        """Sends the first event of each subject that is held, and acknowledges those that were confirmed.
        BrokerLost if not all were: what is left comes again, in its order.
        """
        first: dict[str, _Held] = {}
        for held in self._held:
            first.setdefault(str(held.subject), held)
        chosen = list(first.values())
        refused = self._target.publish(
            [held.outgoing for held in chosen], wait_on=partial(self._wait_on, channel.connection)
        )
        _connected.set(1)
        confirmed = {held.tag for place, held in enumerate(chosen) if place not in refused}
        with _source_errors():
            for tag in confirmed:
                channel.basic_ack(tag)
        _forwarded.inc(len(confirmed))
        self._held = deque(held for held in self._held if held.tag not in confirmed)
        if refused:
            _refused.inc(len(refused))
            raise BrokerLost(f"{len(refused)} not taken: {next(iter(refused.values()))}")
        self._pauses.reset()

    def _wait_on(self, source: amqp.Connection) -> bool:
        """While the cooperative's broker takes nothing: not given up, and our own not lost."""
        _connected.set(0)
        self._turned_at = time.monotonic()
        with _source_errors():
            self._take(source)
        return not self._stopping.is_set()


@contextlib.contextmanager
def _source_errors() -> Iterator[None]:
    try:
        yield
    except (AMQPError, OSError) as error:
        raise SourceLost(f"{type(error).__name__}: {error}") from error
