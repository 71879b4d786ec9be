"""What the broker must hold: exchanges, queues, bindings, policies and users, computed and nothing else.

For each service: two exchanges, one for everything and one for what is public, which also feeds the first;
one queue that it consumes, retry queues in which a message waits for its time, and a queue of dead letters.
For each subscriber from outside: one queue and a user that can read it and do nothing else.

Queues carry no argument but their kind; everything else is policy, which can be changed while they are in
use.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.chassis.messaging.envelope import exchange_of
from services.chassis.messaging.event import EventType

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
    """What belongs to one service on the broker."""

    service: str

    @property
    def exchange(self) -> str:
        return exchange_of(self.service, public=False)

    @property
    def public_exchange(self) -> str:
        return exchange_of(self.service, public=True)

    @property
    def queue(self) -> str:
        return f"{self.service}.events"

    @property
    def retry_exchange(self) -> str:
        return f"{self.service}.events.retry"

    @property
    def dead_exchange(self) -> str:
        return f"{self.service}.events.dead"

    @property
    def dead_queue(self) -> str:
        return f"{self.service}.events.dead"

    def retry_queue(self, step: int) -> str:
        """The queue of the `step`-th pause, from 1; also its routing key on the retry exchange."""
        return f"{self.service}.events.retry.{step}"


@dataclass(frozen=True, slots=True)
class Exchange:
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Queue:
    name: str


@dataclass(frozen=True, slots=True)
class Binding:
    """`destination` gets what is published on `source` under a matching `routing_key`."""

    source: str
    destination: str
    routing_key: str
    to_exchange: bool = False

    def __str__(self) -> str:
        kind = "exchange" if self.to_exchange else "queue"
        return f"from exchange {self.source} with key {self.routing_key!r} to {kind} {self.destination}"


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one queue; it has the queue's name."""

    queue: str
    definition: Mapping[str, Any]

    @property
    def pattern(self) -> str:
        return f"^{re.escape(self.queue)}$"


@dataclass(frozen=True, slots=True)
class User:
    """A user of the broker and the names it may configure, write to and read from, as regular expressions."""

    name: str
    configure: str
    write: str
    read: str


@dataclass(frozen=True, slots=True)
class SubscriberQueue:
    """A queue for a reader from outside, who takes from it as `user` with AMQP, and can do nothing else.

    `bindings` are (exchange, routing key) pairs. It keeps at most `max_length` messages for at most
    `message_ttl_ms`, and drops the oldest beyond that: a reader who stays away must harm nobody.
    """

    name: str
    user: str
    bindings: tuple[tuple[str, str], ...]
    max_length: int = 100_000
    message_ttl_ms: int = 14 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything the broker must hold, in the order in which it can be made."""

    exchanges: tuple[Exchange, ...] = ()
    policies: tuple[Policy, ...] = ()
    queues: tuple[Queue, ...] = ()
    bindings: frozenset[Binding] = field(default_factory=frozenset)
    users: tuple[User, ...] = ()

    def __add__(self, other: "Topology") -> "Topology":
        return Topology(
            self.exchanges + other.exchanges,
            self.policies + other.policies,
            self.queues + other.queues,
            self.bindings | other.bindings,
            self.users + other.users,
        )


def build(
    services: Mapping[str, frozenset[str]],
    subscribers: Iterable[SubscriberQueue] = (),
    *,
    emitted: Iterable[str] = (),
    retry_delays_ms: tuple[int, ...] = RETRY_DELAYS_MS,
) -> Topology:
    """The topology for services, given as name → event types consumed, and for subscribers from outside.

    `emitted` names every event type there is. Those that no service consumes are bound to a small queue that
    forgets: the relay publishes only what reaches a queue, and holds back what does not, because that is how
    a missing binding shows.

    Raises ValueError if a service consumes events of a service that is not among them.
    """
    topology = _of_unclaimed(frozenset(emitted) - frozenset[str]().union(*services.values()))
    for name, consumes in services.items():
        if unknown := {EventType.parse(wanted).service for wanted in consumes} - services.keys():
            raise ValueError(
                f"{name} consumes events of {', '.join(sorted(unknown))}, which is no service here"
            )
        topology += of_service(Names(name), consumes, retry_delays_ms)
    for subscriber in subscribers:
        topology += _of_subscriber(subscriber)
    return topology


def of_service(
    names: Names, consumes: frozenset[str], retry_delays_ms: tuple[int, ...] = RETRY_DELAYS_MS
) -> Topology:
    """The part of the topology that one service works with; it consumes these event types."""
    retries = {names.retry_queue(step): delay for step, delay in enumerate(retry_delays_ms, start=1)}
    bindings = {
        Binding(names.public_exchange, names.exchange, "#", to_exchange=True),
        Binding(names.retry_exchange, names.queue, AGAIN),
        Binding(names.dead_exchange, names.dead_queue, ""),
        *(Binding(names.retry_exchange, queue, queue) for queue in retries),
        *(_subscription(event_type, names.queue) for event_type in consumes),
    }
    own_queues = f"^{re.escape(names.queue)}(\\.(dead|retry\\.[0-9]+))?$"
    return Topology(
        exchanges=(
            Exchange(names.exchange, "topic"),
            Exchange(names.public_exchange, "topic"),
            Exchange(names.retry_exchange, "direct"),
            Exchange(names.dead_exchange, "fanout"),
        ),
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
            # Looking at dead letters takes them out and puts them back, which must not count against them.
            Policy(names.dead_queue, _bounded(_MAX_DEAD_LETTERS) | {"delivery-limit": _NEVER_BY_DELIVERIES}),
        ),
        queues=(Queue(names.queue), *map(Queue, retries), Queue(names.dead_queue)),
        bindings=frozenset(bindings),
        users=(
            User(
                names.service,
                # Only so that it can compare the queues with what it expects: see topology_check.
                configure=own_queues,
                write=_any_of(
                    names.exchange, names.public_exchange, names.retry_exchange, names.dead_exchange
                ),
                read=own_queues,
            ),
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


def _subscription(event_type: str, queue: str) -> Binding:
    wanted = EventType.parse(event_type)
    return Binding(Names(wanted.service).exchange, queue, f"{wanted.key}.*.*")


def _bounded(max_length: int) -> dict[str, Any]:
    """A full queue refuses, so that the publisher keeps what it has."""
    return {"max-length": max_length, "overflow": "reject-publish"}


def _dead_letters_to(exchange: str) -> dict[str, Any]:
    """A message leaves the queue only when the next one has it."""
    return {"dead-letter-exchange": exchange, "dead-letter-strategy": "at-least-once"}


def _any_of(*names: str) -> str:
    return f"^({'|'.join(map(re.escape, names))})$"
