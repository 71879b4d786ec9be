"""A message as taken from a queue, and how it goes on from there: once more, later, or to the dead letters.

A message that failed is published to the next queue with a confirm, and only then acknowledged. A crash in
between leaves it in both, which the inbox makes harmless; it is never in neither. The number of tries travels
in a header of our own: brokers differ in what they count, and newer ones ignore counts that come back from a
client.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import amqp

from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.topology import AGAIN, RETRY_DELAYS_MS, Names
from services.chassis.messaging.unreadable import why_unreadable

FAILURES: Final = "x-failures"
"""How often handling the message has failed."""
REASON: Final = "x-reason"
FAILED_AT: Final = "x-failed-at"
ROUTING_KEY: Final = "x-routing-key"
"""The key under which the event was published, kept while others steer it through retry queues."""
_OURS: Final = frozenset({FAILURES, REASON, FAILED_AT, ROUTING_KEY})
_OF_THE_BROKER: Final = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count")


class CannotPassOn(Exception):
    """The client library cannot read the message, or write what it has read: only the broker can carry it on,
    as it came.
    """


@dataclass(frozen=True, slots=True)
class Delivery:
    """The parts of a message that matter, whatever client read it. What makes another message of it raises
    `CannotPassOn`.
    """

    headers: Mapping[str, Any]
    body: bytes
    routing_key: str
    content_type: str | None
    message_id: str | None
    type: str | None
    timestamp: int | None
    app_id: str | None
    unreadable: str | None = None
    """What is wrong with its headers and properties, if they cannot be read: then it has none here."""

    @classmethod
    def of(cls, message: amqp.Message) -> "Delivery":
        properties = message.properties
        headers = properties.get("application_headers") or {}
        body = message.body
        return cls(
            headers=headers,
            body=body if isinstance(body, bytes) else str(body).encode(),
            routing_key=str(headers.get(ROUTING_KEY) or message.delivery_info["routing_key"]),
            content_type=properties.get("content_type"),
            message_id=properties.get("message_id"),
            type=properties.get("type"),
            timestamp=properties.get("timestamp"),
            app_id=properties.get("app_id"),
            unreadable=why_unreadable(properties),
        )

    @property
    def failures(self) -> int:
        count = self.headers.get(FAILURES)
        return count if isinstance(count, int) and count >= 0 else 0

    @property
    def reason(self) -> str:
        """Why it is among the dead letters: our own reason, or the broker's."""
        if self.unreadable is not None:
            return f"its properties cannot be read: {self.unreadable}"
        match self.headers:
            case {"x-reason": reason}:
                return str(reason)
            case {"x-death": [{"reason": reason}, *_]}:
                return f"broker: {reason}"
            case _:
                return "broker: unknown"

    def to_retry(self, names: Names, reason: str) -> Outgoing:
        """The same message, to be delivered again after the pause that is due."""
        step = min(self.failures + 1, len(RETRY_DELAYS_MS))
        return self._failed(names.retry_exchange, names.retry_queue(step), reason)

    def to_dead(self, names: Names, reason: str) -> Outgoing:
        """The same message, as a dead letter."""
        return self._failed(names.dead_exchange, self.routing_key, reason)

    def to_redrive(self, names: Names) -> Outgoing:
        """The same message as if it had never failed."""
        headers = self._original_headers() | {ROUTING_KEY: self.routing_key}
        return self._outgoing(names.retry_exchange, AGAIN, headers)

    def to_elsewhere(self, exchange: str) -> Outgoing:
        """The same message for another broker, under the key with which it was published here."""
        return self._outgoing(exchange, self.routing_key, self._original_headers())

    def _failed(self, exchange: str, routing_key: str, reason: str) -> Outgoing:
        ours = {
            FAILURES: self.failures + 1,
            REASON: reason[:1_000],
            FAILED_AT: datetime.now(UTC).isoformat(timespec="seconds"),
            ROUTING_KEY: self.routing_key,
        }
        return self._outgoing(exchange, routing_key, self._plain_headers() | ours)

    def _original_headers(self) -> dict[str, Any]:
        return {name: value for name, value in self._plain_headers().items() if name not in _OURS}

    def _plain_headers(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.headers.items()
            if not (
                isinstance(name, str) and name.startswith(_OF_THE_BROKER)
            )  # a name that is no text is bytes
        }

    def _outgoing(self, exchange: str, routing_key: str, headers: Mapping[str, Any]) -> Outgoing:
        if self.unreadable is not None:
            raise CannotPassOn(self.reason)
        message = Outgoing(
            exchange=exchange,
            routing_key=routing_key,
            body=self.body,
            headers=headers,
            message_id=self.message_id,
            type=self.type,
            timestamp=self.timestamp,
            app_id=self.app_id,
            content_type=self.content_type,
        )
        try:
            message.check()
        except Exception as error:
            raise CannotPassOn(f"it cannot be written: {type(error).__name__}") from error
        return message
