"""Publishing so that one knows what the broker has taken.

Used by the relay for batches of events and by the worker for one message at a time. Everything that waits is
bounded: a broker that stalls costs the connection, never the process.

A broker that is short of disk or memory says so, and reads nothing more from whoever publishes. Its
connections are kept: each that was given up and begun anew would stay with the broker, unread, and all its
messages would be published as well, once there is room again.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

import amqp
from amqp.exceptions import AMQPError

from services.chassis.logs import get_logger
from services.chassis.messaging.confirms import Confirms
from services.chassis.messaging.connection import connect, corked
from services.chassis.messaging.outgoing import Outgoing

_WHILE_BLOCKED_SECONDS: Final = 1.0
"""Between two looks whether the broker takes messages again."""

_log = get_logger(__name__)


class BrokerLost(Exception):
    """The broker could not be reached or did not answer in time; what it has taken of a batch is not
    known.
    """


class TakesNothing(BrokerLost):
    """The broker is there, and short of disk or memory."""


def _at_once() -> bool:
    return False


class ConfirmingPublisher:
    """A connection that publishes with confirms. Not for use by two threads at once.

    Connects when first used and after `BrokerLost`; it never retries by itself. `on_connect` may look at the
    broker through each new channel and raise what it likes. `authorities`: see `connect`.
    """

    def __init__(
        self,
        url: str,
        *,
        confirm_timeout_seconds: float = 5.0,
        heartbeat_seconds: int = 0,
        name: str = "publisher",
        on_connect: Callable[[amqp.Channel], None] | None = None,
        authorities: Path | None = None,
    ) -> None:
        self._url = url
        self._authorities = authorities
        self._timeout = confirm_timeout_seconds
        self._heartbeat = heartbeat_seconds
        self._name = name
        self._on_connect = on_connect
        self._connection: amqp.Connection | None = None
        self._channel: amqp.Channel | None = None
        self._confirms = Confirms()
        self._blocked = False
        self._unblocked_at = 0.0
        """On the monotonic clock."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection that was sound when last used."""
        return self._channel is not None

    def connect(self) -> amqp.Channel:
        """The channel, opened first if need be; raise `BrokerLost`."""
        if self._channel is None:
            with self._translated():
                self._connection = connect(
                    self._url,
                    timeout_seconds=self._timeout,
                    name=self._name,
                    heartbeat_seconds=self._heartbeat,
                    authorities=self._authorities,
                )
                with self._bounded():
                    channel = self._connection.channel()
                    channel.confirm_select()
                    if self._on_connect is not None:
                        self._on_connect(channel)
                self._confirms.watch(channel)
                self._connection.on_blocked = self._on_blocked
                self._connection.on_unblocked = self._on_unblocked
                self._channel = channel
        return self._channel

    def room_for(self, count: int) -> int:
        """How many of so many messages may be sent now: one, until the broker has answered on this connection
        (before, it is not known whether it takes any); none while it says that it does not.
        """
        if self._blocked:
            return 0
        return count if self._confirms.any_since_connected else min(count, 1 - self._confirms.missing)

    def send(self, messages: Mapping[int, Outgoing]) -> None:
        """Send all `messages` and return; `answers` tells what became of each, by its key. Keys, and
        `message_id`s, must differ from those not answered yet.

        Raises:
            BrokerLost: the connection failed; any of those not answered yet may have been taken.
        """
        channel = self.connect()
        with self._translated(), self._bounded(), corked(channel.connection):
            for key, message in messages.items():
                self._confirms.sending(key, message.message_id)
                channel.basic_publish(
                    message.to_amqp(), message.exchange, message.routing_key, mandatory=True
                )

    def answers(self, at_least: int = 1) -> Mapping[int, str | None]:
        """What the broker has answered since last asked, once that is `at_least` so many or all there are; or
        as many as there are, about once a second, while it says that it takes nothing.

        Keys of messages that it has stored, with None, and of those it did not take, with the reason: no
        queue is bound, or a queue is full. Answers outlive the connection.

        Raises:
            BrokerLost: the connection failed, or an answer did not come in time.
        """
        with self._translated():
            while (self._confirms.missing or self._blocked) and self._confirms.answered < at_least:
                if not self._wait_for_an_answer():
                    break
        return self._confirms.taken()

    def publish(
        self, messages: Sequence[Outgoing], *, wait_on: Callable[[], bool] = _at_once
    ) -> dict[int, str]:
        """Send all `messages` and wait until the broker has answered for each.

        Returns the positions that it did not take, with the reason. All others are stored by the broker.
        `wait_on` is asked, about once a second while the broker takes nothing, whether to go on waiting.

        Raises:
            TakesNothing: nor will anybody wait for it. The connection is given up.
            BrokerLost: any of them may have been taken.
        """
        self._confirms.taken()  # of a batch that was lost half-way
        unsent = dict(enumerate(messages))
        answers: dict[int, str | None] = {}
        while len(answers) < len(messages):
            now = dict(islice(unsent.items(), self.room_for(len(unsent))))
            if now:
                self.send(now)
                unsent = {key: message for key, message in unsent.items() if key not in now}
            answers |= self.answers(at_least=len(messages))
            if self._blocked and not wait_on():
                self._drop()
                raise TakesNothing("the broker takes nothing")
        return {place: reason for place, reason in answers.items() if reason is not None}

    def keep_alive(self) -> None:
        """Answer and send heartbeats; to be called about every second while idle. Raise `BrokerLost`."""
        if self._connection is None:
            return
        with self._translated():
            try:
                while True:
                    self._connection.drain_events(timeout=0.001)
            except TimeoutError:
                self._connection.heartbeat_tick()

    def close(self) -> None:
        """Close in order if the broker still answers, else just let go; forget the answers not asked for."""
        if self._connection is not None:
            try:
                with self._bounded():
                    self._connection.close()
            except (AMQPError, OSError):
                pass
            self._drop()
        self._confirms.taken()

    def _wait_for_an_answer(self) -> bool:
        """Until something has come; False: the broker takes nothing still. TimeoutError, whatever the client
        library raises.
        """
        assert self._connection is not None  # noqa: S101 - connected in send; only for the type
        if self._blocked:
            until = time.monotonic() + _WHILE_BLOCKED_SECONDS
            while self._blocked and (left := until - time.monotonic()) > 0:
                with suppress(TimeoutError):
                    self._connection.blocking_read(left)
            with self._bounded():
                self._connection.heartbeat_tick()
            return not self._blocked
        since = max(self._confirms.oldest_sent_at, self._unblocked_at)
        left = since + self._timeout - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{self._confirms.missing} confirms missing after {self._timeout} s")
        # One frame of any kind: `drain_events` begins its time anew with each heartbeat that comes.
        self._connection.blocking_read(left)
        return True

    def _on_blocked(self, _reason: str) -> None:
        self._blocked = True
        _log.warning("the broker takes nothing: it is short of disk or memory", connection=self._name)

    def _on_unblocked(self) -> None:
        self._blocked = False
        self._unblocked_at = time.monotonic()
        _log.info("the broker takes messages again", connection=self._name)

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        assert self._connection is not None  # noqa: S101 - only for the type
        with self._connection.transport.having_timeout(self._timeout):
            yield

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (AMQPError, OSError) as error:
            self._drop()
            raise BrokerLost(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        self._blocked = False
        self._confirms.forget_sent()
        if connection is not None:
            connection.collect()  # closes the socket without asking the broker
