"""For cooperatives' systems, and desks of their own: their events as they come, as Server-Sent Events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from gateway.api.events import Event, own_provider
from gateway.api.representations import Cursor
from gateway.auth import SignedIn
from gateway.backends import Services
from gateway.live_feed import LiveFeed, beginning
from gateway.problems import preferred_language, refused
from services.chassis.refusal import Refusal
from services.contracts import limits
from services.contracts.forms import Slug
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb

router = APIRouter(tags=["events"])


async def _looked_at(
    request: Request,
    caller: SignedIn,
    services: Services,
    response: Response,
    provider: Slug | None = None,
) -> AsyncIterator[LiveFeed]:
    with LiveFeed.opened(request, response, services, caller, own_provider(caller, provider)) as feed:
        yield feed


async def _first_page(
    feed: Annotated[LiveFeed, Depends(_looked_at)],
    after: Cursor = "now",
    last_event_id: Annotated[
        str, Header(max_length=limits.CURSOR_CHARACTERS, description="Goes before `after`")
    ] = "",
) -> pb.ReadFeedResponse:
    """Read before the answer begins: what is refused then, is refused as everywhere else."""
    return await feed.page_after(last_event_id or after)


@router.get("/events/live", response_class=EventSourceResponse)
async def watch_feed(
    feed: Annotated[LiveFeed, Depends(_looked_at)],
    first: Annotated[pb.ReadFeedResponse, Depends(_first_page)],
    accept_language: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Your cooperative's events as they come, `after` a cursor or from now on.

    A stream of Server-Sent Events that goes on for as long as the token is good. Each message has an `id`,
    the cursor after its event, and as `data` the event as in the feed. Read on with `Last-Event-ID`, as
    `EventSource` does by itself: nothing is skipped, and nothing comes twice. When nothing else comes, a
    comment does every 15 seconds. If you may not read on, the last message is of type `end`, with the problem
    as `data`; a stream that ends without one was cut off.
    """
    yield beginning(first)
    try:
        async for page in feed.pages(first):
            for event in page.items:
                yield ServerSentEvent(id=event.cursor, raw_data=Event.of(event).model_dump_json())
    except Refusal as refusal:
        problem = bytes(refused(refusal, preferred_language(accept_language)).body).decode()
        yield ServerSentEvent(event="end", raw_data=problem)
