"""A message as it is published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import amqp
from amqp import serialization

CONTENT_TYPE: Final = "application/json"


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
