"""The gRPC API: from messages to use cases and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc

from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.rpc.context import caller_of, idempotency_key_of, remaining_seconds
from services.contracts.generated.ambito.notifications.v1 import (
    notifications_pb2 as pb,
)
from services.contracts.generated.ambito.notifications.v1 import (
    notifications_pb2_grpc as pb_grpc,
)
from services.notifications.application.manage_endpoints import ManageEndpoints
from services.notifications.application.read_feed import ReadFeed
from services.notifications.application.read_messages import ReadMessages
from services.notifications.application.see_deliveries import SeeDeliveries
from services.notifications.bootstrap import contact_seals, manage_endpoints
from services.notifications.domain.feed import Cursor
from services.notifications.entrypoints import answers, requests
from services.notifications.entrypoints.feed_watch import FeedWatch
from services.notifications.persistence.endpoints import StoredEndpoint
from services.notifications.settings import NotificationsSettings

_MESSAGES = 20
_DELIVERIES = 20
_EVENTS = 100
_NOW = "now"
_IN_TIME_SECONDS = 0.5
"""So that a stream ends in order, and not by its caller's deadline."""


def build(
    settings: NotificationsSettings, database: Database
) -> Sequence[tuple[Callable[[Any, grpc.Server], None], Any]]:
    """The servicers of this service."""
    inbox = Inbox(ReadMessages(database, contact_seals(settings), SystemClock()))
    webhooks = Webhooks(manage_endpoints(settings, database), SeeDeliveries(database))
    return [
        (pb_grpc.add_InboxServiceServicer_to_server, inbox),
        (pb_grpc.add_WebhookServiceServicer_to_server, webhooks),
        (pb_grpc.add_FeedServiceServicer_to_server, Feed(ReadFeed(database), FeedWatch(database))),
    ]


class Inbox(pb_grpc.InboxServiceServicer):
    def __init__(self, messages: ReadMessages) -> None:
        self._messages = messages

    def ListMessages(
        self, request: pb.ListMessagesRequest, context: grpc.ServicerContext
    ) -> pb.ListMessagesResponse:
        asked = requests.ListMessages(
            person_id=request.person_id, limit=request.limit, cursor=request.cursor, language=request.language
        )
        page, cursor = self._messages.list(
            caller_of(context),
            asked.person_id,
            language=asked.language,
            before=asked.cursor,
            limit=asked.limit or _MESSAGES,
        )
        return pb.ListMessagesResponse(
            items=[answers.message(message) for message in page], next_cursor=answers.optional(cursor)
        )

    def MarkRead(self, request: pb.MarkReadRequest, context: grpc.ServicerContext) -> pb.MarkReadResponse:
        asked = requests.MarkRead(message_id=request.message_id)
        found = self._messages.mark_read(caller_of(context), asked.message_id)
        return pb.MarkReadResponse(message=answers.message(found))


class Webhooks(pb_grpc.WebhookServiceServicer):
    def __init__(self, endpoints: ManageEndpoints, deliveries: SeeDeliveries) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries

    def CreateEndpoint(
        self, request: pb.CreateEndpointRequest, context: grpc.ServicerContext
    ) -> pb.CreateEndpointResponse:
        asked = requests.CreateEndpoint(
            provider=request.provider, url=request.url, event_types=list(request.event_types)
        )
        answered = self._endpoints.create(
            caller_of(context),
            provider=asked.provider,
            url=asked.url,
            event_types=asked.event_types,
            idempotency_key=idempotency_key_of(context),
            answer=_created,
        )
        return pb.CreateEndpointResponse.FromString(answered)

    def ListEndpoints(
        self, request: pb.ListEndpointsRequest, context: grpc.ServicerContext
    ) -> pb.ListEndpointsResponse:
        asked = requests.OfProvider(provider=request.provider)
        found = self._endpoints.list(caller_of(context), asked.provider)
        return pb.ListEndpointsResponse(items=[answers.endpoint(endpoint) for endpoint in found])

    def DeleteEndpoint(
        self, request: pb.DeleteEndpointRequest, context: grpc.ServicerContext
    ) -> pb.DeleteEndpointResponse:
        asked = requests.OfEndpoint(endpoint_id=request.endpoint_id)
        self._endpoints.delete(caller_of(context), asked.endpoint_id)
        return pb.DeleteEndpointResponse()

    def ListDeliveries(
        self, request: pb.ListDeliveriesRequest, context: grpc.ServicerContext
    ) -> pb.ListDeliveriesResponse:
        asked = requests.ListDeliveries(
            endpoint_id=request.endpoint_id, limit=request.limit, cursor=request.cursor
        )
        page, cursor = self._deliveries.list(
            caller_of(context), asked.endpoint_id, before=asked.cursor, limit=asked.limit or _DELIVERIES
        )
        return pb.ListDeliveriesResponse(
            items=[answers.delivery(delivery) for delivery in page], next_cursor=answers.optional(cursor)
        )

    def Redeliver(self, request: pb.RedeliverRequest, context: grpc.ServicerContext) -> pb.RedeliverResponse:
        asked = requests.Redeliver(delivery_id=request.delivery_id)
        delivery = self._deliveries.redeliver(caller_of(context), asked.delivery_id)
        return pb.RedeliverResponse(delivery=answers.delivery(delivery))


class Feed(pb_grpc.FeedServiceServicer):
    def __init__(self, read_feed: ReadFeed, watch: FeedWatch) -> None:
        self._read_feed = read_feed
        self._watch = watch

    def ReadFeed(self, request: pb.ReadFeedRequest, context: grpc.ServicerContext) -> pb.ReadFeedResponse:
        asked = requests.ReadFeed(provider=request.provider, limit=request.limit)
        caller = caller_of(context)
        if request.after == _NOW:
            page = self._read_feed.now(caller, asked.provider)
        else:
            after = Cursor.parse(request.after)
            page = self._read_feed(caller, asked.provider, after, asked.limit or _EVENTS)
        return pb.ReadFeedResponse(
            items=[answers.event(event) for event in page.items],
            next_cursor=str(page.cursor) if page.cursor != Cursor() else "",
            more=page.more,
        )

    def WatchFeeds(
        self, request: pb.WatchFeedsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchFeedsResponse]:
        seconds = (remaining_seconds() or 0.0) - _IN_TIME_SECONDS
        for grown in self._watch.watch(seconds, context.add_callback):
            yield pb.WatchFeedsResponse(any=grown.any, providers=sorted(grown.providers))

    def end_streams(self) -> None:
        self._watch.end()


def _created(endpoint: StoredEndpoint, secret: str) -> bytes:
    return pb.CreateEndpointResponse(endpoint=answers.endpoint(endpoint), secret=secret).SerializeToString()
