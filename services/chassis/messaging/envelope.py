"""Events as messages: CloudEvents 1.0 in binary mode, attributes in headers, data in the body."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from services.chassis import tracing
from services.chassis.messaging.outgoing import CONTENT_TYPE, Outgoing
from services.chassis.messaging.received import PermanentFailure, Received
from services.chassis.messaging.topology_parts import exchange_of

T = TypeVar("T")


def to_message(
    row: sa.RowMapping | Mapping[str, Any], service: str, *, traceparent: str | None = None
) -> Outgoing:
    """The message for a row of the outbox; `traceparent`: another place in its trace than the row's."""
    traceparent = traceparent or row["traceparent"]
    event_id = str(row["event_id"])
    headers = {
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-type": row["type"],
        "ce-source": row["source"],
        "ce-subject": row["subject"],
        "ce-time": row["occurred_at"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce-sequence": str(row["sequence"]),
        "ce-dataschema": f"urn:ambito:schema:{row['type']}",
    }
    if traceparent is not None:
        headers["traceparent"] = traceparent
    return Outgoing(
        exchange=exchange_of(service, public=row["public"]),
        routing_key=row["routing_key"],
        body=bytes(row["data"]),
        headers=headers,
        message_id=event_id,
        type=row["type"],
        timestamp=int(row["occurred_at"].timestamp()),
        app_id=row["source"],
    )


def from_message(
    headers: Mapping[str, Any], *, content_type: str | None, routing_key: str, body: bytes
) -> Received:
    """The event in a message; raise `PermanentFailure` saying which attribute is missing or malformed."""
    if content_type != CONTENT_TYPE:
        raise PermanentFailure(f"content type is {content_type!r}, not {CONTENT_TYPE}")
    return Received(
        id=_attribute(headers, "ce-id", uuid.UUID),
        type=_attribute(headers, "ce-type", str),
        subject=_attribute(headers, "ce-subject", str),
        sequence=_attribute(headers, "ce-sequence", int),
        occurred_at=_attribute(headers, "ce-time", _instant),
        routing_key=routing_key,
        headers=headers,
        body=body,
        traceparent=tracing.known(headers.get("traceparent")),
    )


def _attribute(headers: Mapping[str, Any], name: str, read: Callable[[Any], T]) -> T:
    try:
        return read(headers[name])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PermanentFailure(f"header {name} is missing or malformed") from error


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("no offset from UTC")
    return instant
