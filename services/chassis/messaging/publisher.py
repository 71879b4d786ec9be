"""Publishing so that one knows what the broker has taken.

Used by the relay for batches of events and by the worker for one message at a time. Everything that waits is
bounded: a broker that stalls costs the connection, never the process.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import amqp
from amqp.exceptions import AMQPError

from services.chassis.messaging.connection import connect

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


@dataclass
class _Batch:
    """What has become of the messages of one batch, by position; filled in as the broker answers."""

    first_tag: int
    ids: dict[str | None, int]
    pending: set[int]
    refused: dict[int, str] = field(default_factory=dict)

    def settle(self, tag: int, multiple: bool, reason: str | None) -> None:
        last = tag - self.first_tag
        settled = {place for place in self.pending if place <= last} if multiple else {last} & self.pending
        self.pending -= settled
        if reason is not None:
            self.refused.update(dict.fromkeys(settled, reason))

    def returned(self, message: amqp.Message, reason: str) -> None:
        # The broker confirms a returned message right afterwards; what counts is that it went nowhere.
        place = self.ids.get(message.properties.get("message_id"))
        if place is not None:
            self.refused[place] = reason


class ConfirmingPublisher:
    """A connection that publishes with confirms. Not for use by two threads at once.

    Connects when first used and after `BrokerLost`; it never retries by itself. `on_connect` may look at the
    broker through each new channel and raise what it likes.
    """

    def __init__(
        self,
        url: str,
        *,
        confirm_timeout_seconds: float = 5.0,
        heartbeat_seconds: int = 0,
        name: str = "publisher",
        on_connect: Callable[[amqp.Channel], None] | None = None,
    ) -> None:
        self._url = url
        self._timeout = confirm_timeout_seconds
        self._heartbeat = heartbeat_seconds
        self._name = name
        self._on_connect = on_connect
        self._connection: amqp.Connection | None = None
        self._channel: amqp.Channel | None = None
        self._next_tag = 1
        self._batch: _Batch | None = None

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

    def publish(self, messages: Sequence[Outgoing]) -> dict[int, str]:
        """Send all `messages` and wait until the broker has answered for each.

        Returns the positions that it did not take, with the reason: no queue is bound, or a queue is full.
        All others are stored by the broker. `message_id`s must differ within a batch.

        Raises:
            BrokerLost: the connection failed or the confirms did not come in time; any of them may have been
            taken.
        """
        channel = self.connect()
        ids = {message.message_id: place for place, message in enumerate(messages)}
        if len(ids) != len(messages):
            raise ValueError("messages of one batch must have different ids")
        self._batch = batch = _Batch(self._next_tag, ids, set(range(len(messages))))
        with self._translated():
            with self._bounded():
                for message in messages:
                    self._next_tag += 1
                    channel.basic_publish(
                        message.to_amqp(), message.exchange, message.routing_key, mandatory=True
                    )
            self._await(batch)
        return batch.refused

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
        """Close in order if the broker still answers, else just let go."""
        if self._connection is not None:
            try:
                with self._bounded():
                    self._connection.close()
            except (AMQPError, OSError):
                pass
            self._drop()

    def _await(self, batch: _Batch) -> None:
        deadline = time.monotonic() + self._timeout
        while batch.pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{len(batch.pending)} confirms missing after {self._timeout} s")
            assert self._connection is not None  # noqa: S101 - connected above; only for the type
            self._connection.drain_events(timeout=left)

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if self._batch is not None:
            self._batch.settle(tag, multiple, None)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        if self._batch is not None:
            self._batch.settle(tag, multiple, "refused by the broker (a queue is full)")

    def _on_return(self, error: Exception, _exchange: str, _key: str, message: amqp.Message) -> None:
        if self._batch is not None:
            self._batch.returned(message, f"no queue is bound for it: {error}")

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
        if connection is not None:
            connection.collect()  # closes the socket without asking the broker
