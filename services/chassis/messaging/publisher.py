"""Publishing so that one knows what the broker has taken.

Used by the relay for batches of events and by the worker for one message at a time. Everything that waits is
bounded: a broker that stalls costs the connection, never the process.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import amqp
from amqp import serialization
from amqp.exceptions import AMQPError

from services.chassis.messaging.connection import connect, corked

CONTENT_TYPE: Final = "application/json"


class BrokerLost(Exception):
    """The broker could not be reached or did not answer in time; what it has taken of a batch is not
    known.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message to publish; always persistent and mandatory."""

    exchange: str
    routing_key: str
    body: bytes
    headers: Mapping[str, Any]
    message_id: str | None = None
    type: str | None = None
    timestamp: int | None = None
    """Unix time, in seconds."""
    app_id: str | None = None
    content_type: str | None = CONTENT_TYPE

    def check(self) -> None:
        """Raises whatever the client library raises, if it cannot write the headers or the routing key."""
        serialization.dumps("Fs", [dict(self.headers), self.routing_key])

    def to_amqp(self) -> amqp.Message:
        properties = {
            "message_id": self.message_id,
            "type": self.type,
            "timestamp": self.timestamp,
            "app_id": self.app_id,
            "content_type": self.content_type,
            "application_headers": dict(self.headers),
            "delivery_mode": 2,
        }
        return amqp.Message(
            self.body, **{name: value for name, value in properties.items() if value is not None}
        )


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that the broker has not answered for yet."""

    key: int
    message_id: str | None
    answer_by: float
    """On the monotonic clock."""


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
        self._next_tag = 1
        self._sent: dict[int, _Sent] = {}
        """By the broker's tag, in the order of sending."""
        self._returned: dict[str | None, str] = {}
        self._answers: dict[int, str | None] = {}

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
                channel.events["basic_ack"].add(self._on_ack)
                channel.events["basic_nack"].add(self._on_nack)
                channel.events["basic_return"].add(self._on_return)
                self._next_tag = 1
                self._channel = channel
        return self._channel

    def send(self, messages: Mapping[int, Outgoing]) -> None:
        """Send all `messages` and return; `answers` tells what became of each, by its key. Keys, and
        `message_id`s, must differ from those not answered yet.

        Raises:
            BrokerLost: the connection failed; any of those not answered yet may have been taken.
        """
        channel = self.connect()
        with self._translated(), self._bounded(), corked(channel.connection):
            for key, message in messages.items():
                answer_by = time.monotonic() + self._timeout
                self._sent[self._next_tag] = _Sent(key, message.message_id, answer_by)
                self._next_tag += 1
                channel.basic_publish(
                    message.to_amqp(), message.exchange, message.routing_key, mandatory=True
                )

    def answers(self, at_least: int = 1) -> dict[int, str | None]:
        """What the broker has answered since last asked, once that is `at_least` so many or all there are.

        Keys of messages that it has stored, with None, and of those it did not take, with the reason: no
        queue is bound, or a queue is full. Answers outlive the connection.

        Raises:
            BrokerLost: the connection failed, or an answer did not come in time.
        """
        with self._translated():
            while self._sent and len(self._answers) < at_least:
                left = next(iter(self._sent.values())).answer_by - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{len(self._sent)} confirms missing after {self._timeout} s")
                assert self._connection is not None  # noqa: S101 - connected in send; only for the type
                self._connection.drain_events(timeout=left)
        answers, self._answers = self._answers, {}
        return answers

    def publish(self, messages: Sequence[Outgoing]) -> dict[int, str]:
        """Send all `messages` and wait until the broker has answered for each.

        Returns the positions that it did not take, with the reason. All others are stored by the broker.

        Raises:
            BrokerLost: any of them may have been taken.
        """
        self._answers.clear()  # of a batch that was lost half-way
        self.send(dict(enumerate(messages)))
        answers = self.answers(at_least=len(messages))
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
        self._answers.clear()

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple, None)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple, "refused by the broker (a queue is full)")

    def _settle(self, tag: int, multiple: bool, reason: str | None) -> None:
        if multiple:
            tags = list(takewhile(lambda sent: sent <= tag, self._sent))  # tags grow
        else:
            tags = [tag] if tag in self._sent else []
        for each in tags:
            sent = self._sent.pop(each)
            # The broker confirms a returned message right afterwards; what counts is that it went nowhere.
            self._answers[sent.key] = self._returned.pop(sent.message_id, reason)

    def _on_return(self, error: Exception, _exchange: str, _key: str, message: amqp.Message) -> None:
        self._returned[message.properties.get("message_id")] = f"no queue is bound for it: {error}"

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
        self._sent.clear()
        self._returned.clear()
        if connection is not None:
            connection.collect()  # closes the socket without asking the broker
