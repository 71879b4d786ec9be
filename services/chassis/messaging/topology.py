"""What the broker must hold: exchanges, queues, bindings, policies and users, computed and nothing else.

For each service: two exchanges, one for everything and one for what is public, which also feeds the first;
an intake for what it consumes, one queue behind it, retry queues in which a message waits for its time, and a
queue of dead letters. A partition of its events has a queue and retry queues of its own: it takes its words
from the intake, and what nobody takes there goes to the service's one queue. So every event reaches exactly
one of them, whichever words there are, and a single binding moves a word from one to the other.
For each subscriber from outside: one queue and a user that can read it and do nothing else.

Queues carry no argument but their kind; everything else is policy, which can be changed while they are in
use.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.chassis.messaging.event import EventType
from services.chassis.messaging.topology_parts import (
    Binding,
    Exchange,
    Policy,
    Queue,
    SubscriberQueue,
    Topology,
    User,
    exchange_of,
)
from services.chassis.partition import Partition

__all__ = [
    "AGAIN",
    "QUEUE_ARGUMENTS",
    "RETRY_DELAYS_MS",
    "UNCLAIMED",
    "Binding",
    "Exchange",
    "Names",
    "Policy",
    "Queue",
    "SubscriberQueue",
    "Topology",
    "User",
    "build",
    "of_service",
]

QUEUE_ARGUMENTS: Final = {"x-queue-type": "quorum"}
RETRY_DELAYS_MS: Final = (1_000, 5_000, 30_000, 120_000)
"""Pause before the second, third, … try; the last also before every later one."""
AGAIN: Final = "again"
"""Routing key, on a service's retry exchange, of its own queue."""

UNCLAIMED: Final = "ambito.unclaimed"
"""Queue of the events that no service consumes."""

_MAX_UNCLAIMED: Final = 10_000
_UNCLAIMED_TTL_MS: Final = 24 * 3_600_000
_DELIVERY_LIMIT: Final = 20
_MAX_EVENTS: Final = 1_000_000
_MAX_DEAD_LETTERS: Final = 100_000
_NEVER_BY_DELIVERIES: Final = 1_000_000_000
_NOTHING: Final = "^$"


@dataclass(frozen=True, slots=True)
class Names:
    """What belongs to one service on the broker; with a partition, what its workers use instead."""

    service: str
    partition: Partition | None = None

    @property
    def exchange(self) -> str:
        return exchange_of(self.service, public=False)

    @property
    def public_exchange(self) -> str:
        return exchange_of(self.service, public=True)

    @property
    def intake(self) -> str:
        """The exchange through which everything comes that the service consumes."""
        return f"{self.service}.intake"

    @property
    def rest(self) -> str:
        """The exchange to which the intake gives what is of no partition."""
        return f"{self.service}.intake.rest"

    @property
    def queue(self) -> str:
        shared = f"{self.service}.events"
        return shared if self.partition is None else f"{shared}.apart.{self.partition.name}"

    @property
    def retry_exchange(self) -> str:
        return f"{self.queue}.retry"

    @property
    def dead_exchange(self) -> str:
        return f"{self.service}.events.dead"

    @property
    def dead_queue(self) -> str:
        """One for all partitions: somebody looks at it."""
        return f"{self.service}.events.dead"

    def retry_queue(self, step: int) -> str:
        """The queue of the `step`-th pause, from 1; also its routing key on the retry exchange."""
        return f"{self.queue}.retry.{step}"

    def working_queues(self, steps: int = len(RETRY_DELAYS_MS)) -> tuple[str, ...]:
        """The queue that is consumed and those from which messages come back to it."""
        return (self.queue, *(self.retry_queue(step) for step in range(1, steps + 1)))


def build(
    services: Mapping[str, frozenset[str]],
    subscribers: Iterable[SubscriberQueue] = (),
    *,
    emitted: Iterable[str] = (),
    partitions: Mapping[str, frozenset[Partition]] | None = None,
    retry_delays_ms: tuple[int, ...] = RETRY_DELAYS_MS,
) -> Topology:
    """The topology for services, given as name → event types consumed, and for subscribers from outside.

    `emitted` names every event type there is. Those that no service consumes are bound to a small queue that
    forgets: the relay publishes only what reaches a queue, and holds back what does not, because that is how
    a missing binding shows. `partitions` are those of each service that has any.

    Raises ValueError if a service consumes events of a service that is not among them, or if two of its
    partitions want the same word.
    """
    apart = partitions or {}
    topology = _of_unclaimed(frozenset(emitted) - frozenset[str]().union(*services.values()))
    for name, consumes in services.items():
        if unknown := {EventType.parse(wanted).service for wanted in consumes} - services.keys():
            raise ValueError(
                f"{name} consumes events of {', '.join(sorted(unknown))}, which is no service here"
            )
        topology += of_service(name, consumes, apart.get(name, frozenset()), retry_delays_ms)
    for subscriber in subscribers:
        topology += _of_subscriber(subscriber)
    return topology


def of_service(
    service: str,
    consumes: frozenset[str],
    partitions: frozenset[Partition] = frozenset(),
    retry_delays_ms: tuple[int, ...] = RETRY_DELAYS_MS,
) -> Topology:
    """The part of the topology that one service works with; it consumes these event types."""
    words = [word for partition in partitions for word in partition.words]
    if twice := sorted({word for word in words if words.count(word) > 1}):
        raise ValueError(f"{service} has {', '.join(twice)} in two partitions")
    names = Names(service)
    queues = rf"{re.escape(service)}\.events(\.apart\.[A-Za-z0-9-]+)?"
    own_queues = rf"^{queues}(\.retry\.[0-9]+)?$|^{re.escape(names.dead_queue)}$"
    exchanges = "|".join(map(re.escape, (names.exchange, names.public_exchange, names.dead_exchange)))
    shared = Topology(
        exchanges=(
            Exchange(names.exchange, "topic"),
            Exchange(names.public_exchange, "topic"),
            Exchange(names.rest, "fanout"),
            Exchange(names.intake, "topic", alternate=names.rest),
            Exchange(names.dead_exchange, "fanout"),
        ),
        # Looking at dead letters takes them out and puts them back, which must not count against them.
        policies=(
            Policy(names.dead_queue, _bounded(_MAX_DEAD_LETTERS) | {"delivery-limit": _NEVER_BY_DELIVERIES}),
        ),
        queues=(Queue(names.dead_queue),),
        bindings=frozenset(
            {
                Binding(names.public_exchange, names.exchange, "#", to_exchange=True),
                Binding(names.dead_exchange, names.dead_queue, ""),
                Binding(names.rest, names.queue, ""),
                *(_subscription(event_type, names.intake, to_exchange=True) for event_type in consumes),
            }
        ),
        users=(
            User(
                service,
                # Only so that it can compare the queues with what it expects: see topology_check.
                configure=own_queues,
                write=rf"^({exchanges}|{queues}\.retry)$",
                read=own_queues,
            ),
        ),
    )
    for partition in (None, *sorted(partitions)):
        shared += _of_partition(Names(service, partition), retry_delays_ms)
    return shared


def _of_partition(names: Names, retry_delays_ms: tuple[int, ...]) -> Topology:
    """One queue that workers consume, and the retry queues that lead back to it."""
    retries = {names.retry_queue(step): delay for step, delay in enumerate(retry_delays_ms, start=1)}
    words = names.partition.words if names.partition is not None else ()
    return Topology(
        exchanges=(Exchange(names.retry_exchange, "direct"),),
        policies=(
            Policy(
                names.queue,
                # A message that kills its worker again and again ends with the dead letters too.
                _bounded(_MAX_EVENTS)
                | _dead_letters_to(names.dead_exchange)
                | {"delivery-limit": _DELIVERY_LIMIT},
            ),
            *(
                Policy(
                    queue,
                    _bounded(_MAX_EVENTS)
                    | _dead_letters_to(names.retry_exchange)
                    | {"dead-letter-routing-key": AGAIN, "message-ttl": delay},
                )
                for queue, delay in retries.items()
            ),
        ),
        queues=tuple(map(Queue, names.working_queues(len(retries)))),
        bindings=frozenset(
            {
                Binding(names.retry_exchange, names.queue, AGAIN),
                *(Binding(names.retry_exchange, queue, queue) for queue in retries),
                *(Binding(names.intake, names.queue, f"*.*.{word}.*") for word in words),
            }
        ),
    )


def _of_unclaimed(event_types: frozenset[str]) -> Topology:
    if not event_types:
        return Topology()
    limits = {"max-length": _MAX_UNCLAIMED, "message-ttl": _UNCLAIMED_TTL_MS, "overflow": "drop-head"}
    return Topology(
        policies=(Policy(UNCLAIMED, limits),),
        queues=(Queue(UNCLAIMED),),
        bindings=frozenset(_subscription(event_type, UNCLAIMED) for event_type in event_types),
    )


def _of_subscriber(subscriber: SubscriberQueue) -> Topology:
    return Topology(
        policies=(
            Policy(
                subscriber.name,
                {
                    "max-length": subscriber.max_length,
                    "message-ttl": subscriber.message_ttl_ms,
                    "overflow": "drop-head",
                    "delivery-limit": _NEVER_BY_DELIVERIES,
                },
            ),
        ),
        queues=(Queue(subscriber.name),),
        bindings=frozenset(Binding(source, subscriber.name, key) for source, key in subscriber.bindings),
        users=(User(subscriber.user, configure=_NOTHING, write=_NOTHING, read=_any_of(subscriber.name)),),
    )


def _subscription(event_type: str, destination: str, *, to_exchange: bool = False) -> Binding:
    wanted = EventType.parse(event_type)
    return Binding(Names(wanted.service).exchange, destination, f"{wanted.key}.*.*", to_exchange)


def _bounded(max_length: int) -> dict[str, Any]:
    """A full queue refuses, so that the publisher keeps what it has."""
    return {"max-length": max_length, "overflow": "reject-publish"}


def _dead_letters_to(exchange: str) -> dict[str, Any]:
    """A message leaves the queue only when the next one has it."""
    return {"dead-letter-exchange": exchange, "dead-letter-strategy": "at-least-once"}


def _any_of(*names: str) -> str:
    return f"^({'|'.join(map(re.escape, names))})$"
