"""Messages that could not be handled, for somebody to look at and decide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import amqp
from amqp.exceptions import AMQPError

from services.chassis.errors import CannotRunError
from services.chassis.logs import get_logger
from services.chassis.messaging.connection import connect
from services.chassis.messaging.delivery import CannotPassOn, Delivery
from services.chassis.messaging.publisher import ConfirmingPublisher
from services.chassis.messaging.topology import Names

_TIMEOUT_SECONDS: Final = 10.0
_BETWEEN_SECONDS: Final = 0.01
_LIMIT: Final = 10_000
"""Dead letters looked at in one go; they are held in memory meanwhile."""

_log = get_logger(__name__)
Wanted = Callable[[Delivery], bool]


class DeadLetters:
    """The dead letters of one service, with the service's own user of the broker.

    Looking takes every message out of the queue unacknowledged and gives back, when done, what was not
    decided on.
    """

    def __init__(self, amqp_url: str, service: str) -> None:
        self._url = amqp_url
        self._names = Names(service)

    def matching(self, wanted: Wanted = lambda _: True) -> list[Delivery]:
        """The dead letters that are wanted, oldest first."""
        with self._look() as look:
            return [delivery for _, delivery in look.taken() if wanted(delivery)]

    def redrive(self, wanted: Wanted) -> int:
        """Put those that are wanted back into the service's queue, as if they had never failed; how many.

        What cannot be published again as it is stays where it is.
        """
        publisher = ConfirmingPublisher(self._url, name="dlq redrive")
        count = 0
        try:
            with self._look() as look:
                for message, delivery in look.taken():
                    if wanted(delivery):
                        try:
                            again = delivery.to_redrive(self._names)
                        except CannotPassOn as error:
                            _log.warning("not redriven", message_id=delivery.message_id, cause=str(error))
                            continue
                        if refused := publisher.publish([again]):
                            raise CannotRunError(
                                f"the broker did not take {delivery.message_id}: {refused[0]}"
                            )
                        look.decided(message)
                        _log.info("redriven", message_id=delivery.message_id, reason=delivery.reason)
                        count += 1
        finally:
            publisher.close()
        return count

    def discard(self, wanted: Wanted) -> int:
        """Delete those that are wanted, for good; how many."""
        count = 0
        with self._look() as look:
            for message, delivery in look.taken():
                if wanted(delivery):
                    look.decided(message)
                    _log.warning("discarded", message_id=delivery.message_id, reason=delivery.reason)
                    count += 1
        return count

    @contextmanager
    def _look(self) -> Iterator[_Look]:
        try:
            connection = connect(self._url, timeout_seconds=_TIMEOUT_SECONDS, name="dlq")
        except (AMQPError, OSError) as error:
            raise CannotRunError(f"the broker does not answer: {error}") from error
        try:
            look = _Look(connection, self._names.dead_queue)
            yield look
            look.end()
        finally:
            connection.collect()


class _Look:
    """Takes messages out of a queue, and gives back those that nothing was decided about."""

    def __init__(self, connection: amqp.Connection, queue: str) -> None:
        self._connection = connection
        self._queue = queue
        self._channel = connection.channel()
        self._held = 0

    def taken(self) -> Iterator[tuple[amqp.Message, Delivery]]:
        """All that wait now, oldest first."""
        for _ in range(min(self._waiting(self._channel), _LIMIT)):
            message = self._channel.basic_get(self._queue, no_ack=False)
            if message is None:
                return
            self._held += 1
            yield message, Delivery.of(message)

    def decided(self, message: amqp.Message) -> None:
        """It leaves the queue for good."""
        self._channel.basic_ack(message.delivery_tag)
        self._held -= 1

    def end(self) -> None:
        """Waits until what is given back can be seen, or the next look, a moment later, would not find it."""
        self._channel.close()  # in order, so that acknowledgements arrive before the connection ends
        channel = self._connection.channel()
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self._waiting(channel) < self._held and time.monotonic() < deadline:
            time.sleep(_BETWEEN_SECONDS)

    def _waiting(self, channel: amqp.Channel) -> int:
        return int(channel.queue_declare(self._queue, passive=True).message_count)
