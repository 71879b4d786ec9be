"""For cooperatives' systems: the feed of events, and webhooks."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field

from gateway.api.representations import (
    Answer,
    Body,
    Cursor,
    Instant,
    Items,
    Limit,
    Optional,
    OptionalInstant,
    Page,
    Strings,
)
from gateway.auth import SignedIn
from gateway.backends import IdempotencyKey, Services
from services.chassis.caller import Caller
from services.chassis.refusal import InvalidField
from services.contracts import limits
from services.contracts.access import PROVIDER_CLIENT, PROVIDER_STAFF
from services.contracts.forms import Slug
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb

router = APIRouter(tags=["events"])


class Event(Answer):
    """An event, with its CloudEvents attributes."""

    id: UUID
    type: str
    source: str
    subject: str = Field(description="The aggregate's id")
    sequence: int = Field(description="1, 2, 3 … without a gap within the subject")
    time: Instant
    data: Annotated[
        dict[str, Any], BeforeValidator(lambda value: json.loads(value) if isinstance(value, str) else value)
    ] = Field(validation_alias="data_json")
    cursor: str = Field(description="Reads on after this event")


class Feed(Items[Event]):
    """Events in an order that never skips one. `next_cursor` is where to go on, also when nothing is new."""

    next_cursor: str
    more: bool = Field(description="Whether there is more right now")


class EndpointRequest(Body):
    """An address to which events are sent."""

    provider: Slug | None = Field(None, description="Your cooperative if absent")
    url: str = Field(max_length=2000)
    event_types: list[str] = Field(default=[], max_length=50, description="Empty: all")


class Endpoint(Answer):
    """A webhook endpoint."""

    id: UUID
    provider: str
    url: str
    event_types: Strings
    state: str = Field(description="active or disabled")
    disabled_reason: Optional
    created_at: Instant


class EndpointCreated(Answer):
    """The endpoint, and the secret with which its deliveries are signed; shown once."""

    endpoint: Endpoint
    secret: str


class Attempt(Answer):
    """One attempt to deliver."""

    at: Instant
    status: int = Field(description="HTTP status; 0 without an answer")
    error: Optional
    milliseconds: int


class DeliveryLog(Answer):
    """One event on its way to one endpoint."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    state: str = Field(description="pending, delivered or failed")
    next_attempt_at: OptionalInstant
    attempts: Annotated[list[Attempt], BeforeValidator(list)]


def own_provider(caller: Caller, provider: str | None) -> str:
    """The cooperative that is meant: the one named, or the caller's own if there is just one."""
    if provider is not None:
        return provider
    own = caller.scopes(PROVIDER_CLIENT) | caller.scopes(PROVIDER_STAFF)
    if len(own) != 1:
        raise InvalidField(field="provider", it="Indicare la cooperativa.", en="Say which cooperative.")
    return next(iter(own))


@router.get("/events")
async def read_feed(
    caller: SignedIn,
    services: Services,
    after: Cursor = "",
    limit: Annotated[int, Query(ge=1, le=limits.FEED_ITEMS)] = 100,
    provider: Slug | None = None,
) -> Feed:
    """Your cooperative's events after a cursor."""
    request = pb.ReadFeedRequest(provider=own_provider(caller, provider), after=after, limit=limit)
    return Feed.of(await services.read(services.feed.ReadFeed, request, caller))


@router.post("/webhook-endpoints", status_code=201)
async def create_endpoint(
    body: EndpointRequest, key: IdempotencyKey, caller: SignedIn, services: Services
) -> EndpointCreated:
    """Registers an address; deliveries follow the Standard Webhooks specification."""
    request = pb.CreateEndpointRequest(
        provider=own_provider(caller, body.provider), url=body.url, event_types=body.event_types
    )
    answer = await services.command(services.webhooks.CreateEndpoint, request, caller, idempotency_key=key)
    return EndpointCreated.of(answer)


@router.get("/webhook-endpoints")
async def list_endpoints(
    caller: SignedIn, services: Services, provider: Slug | None = None
) -> Items[Endpoint]:
    """Your cooperative's endpoints."""
    request = pb.ListEndpointsRequest(provider=own_provider(caller, provider))
    return Items[Endpoint].of(await services.read(services.webhooks.ListEndpoints, request, caller))


@router.delete("/webhook-endpoints/{endpoint_id}", status_code=204)
async def delete_endpoint(endpoint_id: UUID, caller: SignedIn, services: Services) -> None:
    """Stops deliveries to an endpoint and forgets it."""
    request = pb.DeleteEndpointRequest(endpoint_id=str(endpoint_id))
    await services.command(services.webhooks.DeleteEndpoint, request, caller)


@router.get("/webhook-endpoints/{endpoint_id}/deliveries")
async def list_deliveries(
    endpoint_id: UUID,
    caller: SignedIn,
    services: Services,
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Page[DeliveryLog]:
    """Every delivery and each of its attempts, newest first."""
    request = pb.ListDeliveriesRequest(endpoint_id=str(endpoint_id), limit=limit, cursor=cursor)
    return Page[DeliveryLog].of(await services.read(services.webhooks.ListDeliveries, request, caller))


@router.post("/webhook-deliveries/{delivery_id}/redelivery")
async def redeliver(delivery_id: UUID, caller: SignedIn, services: Services) -> DeliveryLog:
    """Sends one event again, now."""
    request = pb.RedeliverRequest(delivery_id=str(delivery_id))
    answer = await services.command(services.webhooks.Redeliver, request, caller)
    return DeliveryLog.of(answer.delivery)
