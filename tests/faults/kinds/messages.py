"""Messages: events that come again, late and out of order, and messages that nobody can handle."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pika
import sqlalchemy as sa

from deploy.local.environment import SERVICES
from services.chassis.definition import ServiceDefinition, load
from services.chassis.messaging.envelope import to_message
from services.chassis.messaging.publisher import ConfirmingPublisher
from tests.faults.fault import Fault
from tests.faults.site import Site

_RECENT, _AGAIN = 300, 40
_JSON = "application/json"


@contextmanager
def events_again(site: Site, chance: random.Random) -> Iterator[None]:
    """Events of the last moments, published once more to where they were published, in any order."""
    service = chance.choice(SERVICES)
    query = "SELECT * FROM outbox WHERE published_at IS NOT NULL ORDER BY id DESC LIMIT :limit"
    with site.engines[service].connect() as connection:
        recent = list(connection.execute(sa.text(query), {"limit": _RECENT}).mappings())
    chosen = chance.sample(recent, min(_AGAIN, len(recent)))  # in random order
    publisher = ConfirmingPublisher(site.system.broker_url, name="faults")
    try:
        publisher.publish([to_message(row, service) for row in chosen])
    finally:
        publisher.close()
    yield


@dataclass(frozen=True)
class Poison:
    """A message with something wrong about it."""

    wrong: str
    body: bytes = b"{}"
    headers: dict[Any, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    content_type: str = _JSON
    content_encoding: str | None = None
    type: bytes | None = None
    """With one that is not UTF-8, a message is known by its body, which is then its id."""


_DEEP = b"[" * 50_000
POISONS = (
    Poison("not JSON", b"<html>"),
    Poison("of another form", b'{"surprise": true}'),
    Poison("a list", b"[1, 2, 3]"),
    Poison("empty", b""),
    Poison("not UTF-8", b"\xff\xfe\x00{"),
    Poison("nested without end", _DEEP),
    Poison("of a type that nobody handles", headers={"ce-type": "ambito.catalogue.booking.invented.v1"}),
    Poison("without an id", without=("ce-id",)),
    Poison("with an id that is none", headers={"ce-id": "17"}),
    Poison("with an id that is a table", headers={"ce-id": {"a": 1}}),
    Poison("with a sequence that is a list", headers={"ce-sequence": [1, 2]}),
    Poison("at no time", headers={"ce-time": "yesterday"}),
    Poison("at a time without an offset", headers={"ce-time": "2026-11-23T10:00:00"}),
    Poison("without any header", without=("ce-id", "ce-type", "ce-subject", "ce-sequence", "ce-time")),
    Poison("from nowhere, of another form", b'{"a": 1}', without=("ce-source",)),
    Poison("with failures that are no number", b"no", headers={"x-failures": "many"}),
    Poison("text", b"hello", content_type="text/plain"),
    Poison("said to be compressed", b"hello", content_encoding="gzip"),
    Poison("in an unknown encoding", b"hello", content_encoding="klingon"),
    Poison("with a trace that is a number", b"no", headers={"traceparent": 7}),
    Poison("with a header whose name is not UTF-8", b"no", headers={b"\xff": "?"}),
    Poison("with more failures than can be counted", b"no", headers={"x-failures": 2**63 - 1}),
    Poison("with a property that is not UTF-8", type=b"\xff"),
)


@contextmanager
def poison(site: Site, chance: random.Random) -> Iterator[None]:
    """Straight into two services' queues; must be found among their dead letters, with a reason."""
    connection = pika.BlockingConnection(pika.URLParameters(site.system.broker_url))
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        for service in chance.sample(SERVICES, 2):
            for each in chance.sample(POISONS, 4):
                properties = _properties(service, each)
                # Noted first: it may get there although its confirm is lost.
                site.planted.poison[service].add(str(properties.message_id))
                body = each.body if each.type is None else str(properties.message_id).encode()
                channel.basic_publish("", f"{service}.events", body, properties, mandatory=True)
    finally:
        connection.close()
    yield


def _properties(service: str, each: Poison) -> pika.BasicProperties:
    """Those of a message that the service handles, but for what is wrong with it."""
    definition: ServiceDefinition = load(f"services.{service}.bootstrap:SERVICE")
    message_id = str(uuid.uuid4())
    headers: dict[Any, Any] = {
        "ce-specversion": "1.0",
        "ce-id": message_id,
        "ce-type": min(definition.consumes),
        "ce-source": "ambito/faults",
        "ce-subject": "poison",
        "ce-sequence": "1",
        "ce-time": "2026-11-23T10:00:00Z",
    } | each.headers
    return pika.BasicProperties(
        message_id=message_id,
        headers={name: value for name, value in headers.items() if name not in each.without},
        content_type=each.content_type,
        content_encoding=each.content_encoding,
        type=each.type,
        delivery_mode=2,
    )


_PARTS = frozenset({"rabbitmq", "postgres"})  # both must be there
FAULTS = (
    Fault("events again, out of order", events_again, _PARTS),
    Fault("malformed messages", poison, _PARTS),
)
