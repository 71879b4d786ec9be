"""What a topology consists of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def exchange_of(service: str, *, public: bool) -> str:
    """The exchange on which a service publishes; what is public also reaches the other one."""
    return f"ambito.{service}.public" if public else f"ambito.{service}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """`alternate` is the exchange that gets what none of its bindings takes; it is made before."""

    name: str
    kind: str
    alternate: str | None = None


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
