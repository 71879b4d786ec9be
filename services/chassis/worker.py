"""The worker: a nameko container that consumes the service's queue and runs its jobs.

This is the only module that knows nameko. What nameko would lose is handled here: it acknowledges a message
whose handler failed, drops one it cannot decode, and on shutdown closes the connection before running
handlers are acknowledged (so that they run again).
"""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import eventlet
import kombu
import sqlalchemy as sa
from nameko.containers import ServiceContainer
from nameko.extensions import ProviderCollector
from nameko.messaging import Consumer, QueueConsumer
from nameko.timer import Timer

from services.chassis import ops
from services.chassis.backoff import Backoff
from services.chassis.database import Database
from services.chassis.database_status import database_status
from services.chassis.definition import ServiceDefinition, load
from services.chassis.jobs import Job, run_job
from services.chassis.logs import get_logger
from services.chassis.messaging.connection import nodes_in_random_order
from services.chassis.messaging.delivery import Delivery
from services.chassis.messaging.processing import Processor
from services.chassis.messaging.publisher import BrokerLost, ConfirmingPublisher
from services.chassis.messaging.received import Subscription, check_subscriptions
from services.chassis.messaging.settlement import Settled, Settlement
from services.chassis.messaging.tables import messaging_tables
from services.chassis.messaging.topology import Names
from services.chassis.messaging.topology_check import wait_and_check
from services.chassis.partition import Partition
from services.chassis.settings import ServiceSettings

_PAUSE_BEFORE_RETURN_SECONDS: Final = 1.0
_NOTICE_SIGNALS_SECONDS: Final = 0.5
_BEGINNING_SECONDS: Final = 30.0
"""How long a broker that took a connection may take until messages can come in: one that freezes meanwhile is
given up."""

_log = get_logger(__name__)


def run(settings: ServiceSettings, definition: ServiceDefinition, database: Database) -> None:
    """The `worker` process: until SIGTERM or SIGINT, when it finishes what it has begun.

    One that serves a partition leaves the jobs, which are everybody's, to the others.
    """
    names = Names(definition.name, Partition.parse(settings.partition))
    stopping = threading.Event()
    subscriptions: Sequence[Subscription] = ()
    jobs: Sequence[Job] = ()
    if definition.subscriptions is not None:
        subscriptions = load(definition.subscriptions)(settings, database)
        check_subscriptions(subscriptions, definition.consumes)
        wait_and_check(settings, definition)
    if definition.jobs is not None and names.partition is None:
        jobs = load(definition.jobs)(settings, database)
    methods: dict[str, Any] = {f"job_{job.name}": _timer(database, job) for job in jobs}
    if subscriptions:
        methods["on_message"] = _consumer(settings, names, database, subscriptions, stopping)
    container = ServiceContainer(
        type("Worker", (), {"name": definition.name, **methods}),
        {
            "max_workers": settings.worker_prefetch + len(jobs),
            "AMQP_URI": settings.amqp_url,
            "HEARTBEAT": settings.broker_heartbeat_seconds,
            "prefetch": settings.worker_prefetch,
        },
    )

    deliveries = [extension for extension in container.subextensions if isinstance(extension, Deliveries)]

    def stop(*_: object) -> None:
        for extension in deliveries:
            extension.take_no_more()
        stopping.set()
        _log.info("stopping")
        eventlet.spawn_n(container.stop)

    def notice_signals() -> None:
        # A signal does not end the hub's wait: a worker with nothing but a job an hour would stop in an hour.
        while not stopping.is_set():
            eventlet.sleep(_NOTICE_SIGNALS_SECONDS)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    eventlet.spawn_n(notice_signals)
    checks: dict[str, Callable[[], None]] = {"database": database.ping}
    for extension in deliveries:
        checks["broker"] = extension.check
    operations = ops.serve(settings.ops_bind, checks, partial(database_status, database, definition))
    try:
        container.start()
        container.wait()
    finally:
        operations.stop()


class Deliveries(QueueConsumer):  # type: ignore[misc]  # nameko has no types
    """The connection that messages come in on.

    Messages are taken undecoded. On stop no new ones are taken, and the connection stays until those under
    way are acknowledged. A lost broker is tried again for ever.
    """

    should_stop: bool
    _beginning: eventlet.Timeout

    def __init__(self) -> None:
        super().__init__()
        self._under_way = 0
        self._consuming = False
        self._stopping = threading.Event()

    @property
    def amqp_uri(self) -> str:
        return ";".join(nodes_in_random_order(self.container.config["AMQP_URI"]))

    @property
    def prefetch_count(self) -> int:
        return int(self.container.config["prefetch"])

    def check(self) -> None:
        """Raise unless messages can come in."""
        if not self._consuming:
            raise BrokerLost("not consuming")

    def take_no_more(self) -> None:
        """What comes in from now on stays with the broker."""
        self._stopping.set()

    def run(self) -> None:
        pauses = Backoff(maximum_seconds=3.0)
        errors = self.connection.connection_errors + self.connection.channel_errors
        while not self.should_stop:
            self._beginning = eventlet.Timeout(_BEGINNING_SECONDS, TimeoutError("no answer"))
            try:
                for _ in self.consume(limit=None):
                    pauses.reset()
            except errors as error:
                self._consuming = False
                pause = pauses.next_seconds()
                _log.warning(
                    "broker lost", cause=f"{type(error).__name__}: {error}", again_in_seconds=round(pause, 1)
                )
                self._stopping.wait(pause)
                self.should_stop = self._stopping.is_set()  # else connect again
            finally:
                self._beginning.cancel()
        self._consuming = False
        for removed in self._pending_remove_providers.values():
            removed.send()
        if not self._consumers_ready.ready():
            self._consumers_ready.send(None)

    def establish_connection(self) -> Any:  # noqa: ANN401 - a context manager of kombu's
        connection = self.create_connection()
        # Every node, and one at least twice, without a pause: pauses between connections are made in `run`.
        connection.ensure_connection(
            max_retries=len(connection.alt) or 1,
            interval_start=0, interval_step=0, interval_max=0, reraise_as_library_errors=False,
        )  # fmt: skip
        return connection

    @contextmanager
    def extra_context(self, connection: Any, channel: Any) -> Iterator[None]:  # noqa: ANN401, ARG002
        try:
            yield
        except self.connection.connection_errors:
            # Just let go: to close in order is to wait for an answer, which a frozen broker never gives.
            connection.connection.collect()
            raise

    def get_consumers(self, consumer_cls: Callable[..., Any], channel: Any) -> Iterable[Any]:  # noqa: ANN401, ARG002
        for provider in self._providers:
            consumer = consumer_cls(
                queues=[provider.queue], on_message=partial(self._take, provider), auto_declare=False
            )
            consumer.qos(prefetch_count=self.prefetch_count)
            self._consumers[provider] = consumer
        return list(self._consumers.values())

    def on_consume_ready(self, *arguments: Any, **more: Any) -> None:
        self._consuming = True
        self._beginning.cancel()
        _log.info("consuming", prefetch=self.prefetch_count)
        super().on_consume_ready(*arguments, **more)

    def on_iteration(self) -> None:
        self._cancel_consumers_if_requested()
        if not self._consumers and self._under_way == 0:
            self.should_stop = True

    def unregister_provider(self, provider: Consumer) -> None:
        self.take_no_more()
        if self._consuming:
            super().unregister_provider(provider)
        else:
            ProviderCollector.unregister_provider(self, provider)

    def stop(self) -> None:
        self.wait_for_providers()
        self._gt.wait()

    def settle(self, message: Any, settled: Settled) -> None:  # noqa: ANN401
        """Say to the broker what is to become of the message; if the connection is gone, it has it back."""
        try:
            if message.channel.connection is not None:
                match settled:
                    case Settled.ACKNOWLEDGE:
                        message.ack()
                    case Settled.RETURN:
                        message.requeue()
                    case Settled.REJECT:
                        message.reject()
        except (*self.connection.connection_errors, *self.connection.channel_errors) as error:
            _log.warning("not acknowledged", cause=f"{type(error).__name__}: {error}")
        finally:
            self._under_way -= 1

    def _take(self, provider: Consumer, message: Any) -> None:  # noqa: ANN401
        if not self._stopping.is_set():  # else the broker has it back when the connection closes
            self._under_way += 1
            self.container.spawn_worker(
                provider, (message,), {}, handle_result=partial(provider.handle_result, message)
            )


class Messages(Consumer):  # type: ignore[misc]
    """Entrypoint of a method that takes a message and returns what is to be said of it to the broker."""

    queue_consumer = Deliveries()

    def handle_message_processed(
        self,
        message: Any,  # noqa: ANN401
        result: Settled | None = None,
        exc_info: object | None = None,
    ) -> None:
        settled = Settled.RETURN if result is None or exc_info is not None else result
        if settled is Settled.RETURN:
            eventlet.sleep(_PAUSE_BEFORE_RETURN_SECONDS)  # what cannot be settled now comes back at once
        self.queue_consumer.settle(message, settled)


def _consumer(
    settings: ServiceSettings,
    names: Names,
    database: Database,
    subscriptions: Sequence[Subscription],
    stopping: threading.Event,
) -> Callable[[object, Any], Settled]:
    processor = Processor(
        database,
        messaging_tables(sa.MetaData()),
        subscriptions,
        at_once=settings.worker_prefetch,
        database_wait_seconds=settings.worker_database_wait_seconds,
        stopping=stopping,
        queue=names.queue,
    )
    publisher = ConfirmingPublisher(settings.amqp_url, name=f"{names.service}-worker-failures")
    settlement = Settlement(publisher, names, maximum_tries=settings.worker_maximum_tries, stopping=stopping)

    def on_message(_worker: object, message: Any) -> Settled:  # noqa: ANN401
        delivery = Delivery.of(message)
        verdict = processor.process(
            delivery.headers,
            content_type=delivery.content_type,
            routing_key=delivery.routing_key,
            body=delivery.body,
        )
        return settlement.settle(delivery, verdict)

    queue = kombu.Queue(names.queue, no_declare=True)  # type: ignore[attr-defined, no-untyped-call]
    Messages.decorator(queue)(on_message)  # marks the function
    return on_message


def _timer(database: Database, job: Job) -> Callable[[object], None]:
    def turn(_worker: object) -> None:
        run_job(database, job)

    Timer.decorator(interval=job.every_seconds, eager=True)(turn)
    return turn
