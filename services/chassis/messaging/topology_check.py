"""Whether the broker holds what a process works with, asked before it starts to work."""

import time
from typing import Final

import amqp
from amqp.exceptions import AccessRefused, AMQPError, NotFound, PreconditionFailed

from services.chassis.backoff import Backoff
from services.chassis.definition import ServiceDefinition
from services.chassis.errors import CannotRunError
from services.chassis.logs import get_logger
from services.chassis.messaging.connection import connect
from services.chassis.messaging.topology import QUEUE_ARGUMENTS, Names
from services.chassis.partition import Partition
from services.chassis.settings import ServiceSettings

_CONNECT_TIMEOUT_SECONDS: Final = 5.0
_log = get_logger(__name__)


class TopologyError(CannotRunError):
    """The broker lacks something, or holds it in another form: a matter for `topology apply`, not for
    waiting.
    """


def wait_and_check(settings: ServiceSettings, definition: ServiceDefinition) -> None:
    """Wait for the broker, at most `broker_wait_seconds`, and check everything the service works with."""
    connection = wait_for_broker(settings)
    try:
        check_exchanges(connection.channel(), definition.name)
        if definition.subscriptions is not None:
            check_queues(connection, Names(definition.name, Partition.parse(settings.partition)))
    finally:
        connection.collect()


def wait_for_broker(settings: ServiceSettings) -> amqp.Connection:
    """A connection; raise `TopologyError` when there is none after `broker_wait_seconds`."""
    deadline = time.monotonic() + settings.broker_wait_seconds
    pauses = Backoff(maximum_seconds=2.0)
    while True:
        try:
            return connect(settings.amqp_url, timeout_seconds=_CONNECT_TIMEOUT_SECONDS, name="check")
        except (AMQPError, OSError) as error:
            if time.monotonic() > deadline:
                raise TopologyError(
                    f"the broker does not answer after {settings.broker_wait_seconds:.0f} s: {error}"
                ) from error
            _log.info("waiting for the broker", cause=f"{type(error).__name__}: {error}")
            time.sleep(pauses.next_seconds())


def check_exchanges(channel: amqp.Channel, service: str) -> None:
    """Raise `TopologyError` unless the exchanges that `service` publishes on exist."""
    names = Names(service)
    for exchange in (names.exchange, names.public_exchange):
        try:
            channel.exchange_declare(exchange, "topic", passive=True)
        except NotFound as error:
            raise TopologyError(
                f"exchange {exchange} is missing on the broker; apply the topology"
            ) from error


def check_queues(connection: amqp.Connection, names: Names) -> None:
    """Raise `TopologyError` unless the queues that workers with these names use exist and are of the right
    kind.

    That a queue exists is asked first, because the declaration that compares its kind would make it.
    """
    for queue in (*names.working_queues(), names.dead_queue):
        channel = connection.channel()
        try:
            channel.queue_declare(queue, passive=True)
            channel.queue_declare(queue, durable=True, auto_delete=False, arguments=QUEUE_ARGUMENTS)
        except NotFound as error:
            raise TopologyError(f"queue {queue} is missing on the broker; apply the topology") from error
        except PreconditionFailed as error:
            raise TopologyError(
                f"queue {queue} is of another kind than {QUEUE_ARGUMENTS}: {error}"
            ) from error
        except AccessRefused as error:
            raise TopologyError(f"the broker's user may not use queue {queue}: {error}") from error
        channel.close()
