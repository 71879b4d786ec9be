"""From what the use cases return to the messages of the API."""

from __future__ import annotations

from uuid import UUID

from services.chassis.rpc.timestamps import timestamp
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb
from services.notifications.application.read_messages import ReadableMessage
from services.notifications.persistence.deliveries import StoredDelivery
from services.notifications.persistence.endpoints import StoredEndpoint
from services.notifications.persistence.feed import StoredEvent


def message(found: ReadableMessage) -> pb.Message:
    return pb.Message(
        id=str(found.id),
        person_id=str(found.person_id),
        subject=found.subject,
        body=found.body,
        event_id=str(found.event_id),
        created_at=timestamp(found.created_at),
        read=found.is_read,
    )


def endpoint(found: StoredEndpoint) -> pb.Endpoint:
    return pb.Endpoint(
        id=str(found.id),
        provider=found.provider,
        url=found.url,
        event_types=found.event_types,
        state=found.state.value,
        disabled_reason=found.disabled_reason,
        created_at=timestamp(found.created_at),
    )


def delivery(found: StoredDelivery) -> pb.Delivery:
    return pb.Delivery(
        id=str(found.id),
        endpoint_id=str(found.endpoint_id),
        event_id=str(found.event_id),
        event_type=found.event_type,
        state=found.state.value,
        next_attempt_at=None if found.next_attempt_at is None else timestamp(found.next_attempt_at),
        attempts=[
            pb.Attempt(
                at=timestamp(attempt.at),
                status=attempt.status,
                error=attempt.error,
                milliseconds=attempt.milliseconds,
            )
            for attempt in reversed(found.attempts)
        ],
    )


def event(found: StoredEvent) -> pb.FeedEvent:
    return pb.FeedEvent(
        id=str(found.event_id),
        type=found.type,
        source=found.source,
        subject=found.subject,
        sequence=found.sequence,
        time=timestamp(found.occurred_at),
        data_json=found.data,
        cursor=str(found.cursor),
    )


def optional(cursor: UUID | None) -> str:
    return "" if cursor is None else str(cursor)
