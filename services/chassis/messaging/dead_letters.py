"""Messages that could not be handled, for somebody to look at and decide."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import amqp
from amqp.exceptions import AMQPError

from services.chassis.errors import CannotRunError
from services.chassis.logs import get_logger
from services.chassis.messaging.connection import connect
from services.chassis.messaging.delivery import Delivery
from services.chassis.messaging.publisher import ConfirmingPublisher
from services.chassis.messaging.topology import Names

_TIMEOUT_SECONDS: Final = 10.0
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
        with self._open() as messages:
            return [delivery for _, delivery in messages if wanted(delivery)]

    def redrive(self, wanted: Wanted) -> int:
        """Put those that are wanted back into the service's queue, as if they had never failed; how many.

        What cannot be published again as it is stays where it is.
        """
        publisher = ConfirmingPublisher(self._url, name="dlq redrive")
        count = 0
        try:
            with self._open() as messages:
                for message, delivery in messages:
                    if wanted(delivery):
                        if delivery.unreadable is not None:
                            _log.warning("not redriven", reason=delivery.reason)
                            continue
                        if refused := publisher.publish([delivery.to_redrive(self._names)]):
                            raise CannotRunError(
                                f"the broker did not take {delivery.message_id}: {refused[0]}"
                            )
                        message.channel.basic_ack(message.delivery_tag)
                        _log.info("redriven", message_id=delivery.message_id, reason=delivery.reason)
                        count += 1
        finally:
            publisher.close()
        return count

    def discard(self, wanted: Wanted) -> int:
        """Delete those that are wanted, for good; how many."""
        count = 0
        with self._open() as messages:
            for message, delivery in messages:
                if wanted(delivery):
                    message.channel.basic_ack(message.delivery_tag)
                    _log.warning("discarded", message_id=delivery.message_id, reason=delivery.reason)
                    count += 1
        return count

    @contextmanager
    def _open(self) -> Iterator[Iterator[tuple[amqp.Message, Delivery]]]:
        try:
            connection = connect(self._url, timeout_seconds=_TIMEOUT_SECONDS, name="dlq")
        except (AMQPError, OSError) as error:
            raise CannotRunError(f"the broker does not answer: {error}") from error
        try:
            channel = connection.channel()
            waiting = channel.queue_declare(self._names.dead_queue, passive=True).message_count
            yield self._take(channel, min(waiting, _LIMIT))
            channel.close()  # in order, so that acknowledgements arrive before the connection ends
        finally:
            connection.collect()

    def _take(self, channel: amqp.Channel, count: int) -> Iterator[tuple[amqp.Message, Delivery]]:
        for _ in range(count):
            message = channel.basic_get(self._names.dead_queue, no_ack=False)
            if message is None:
                return
            yield message, Delivery.of(message)
