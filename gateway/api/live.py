"""For cooperatives' desks and systems: their events as they come, as Server-Sent Events."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from gateway.api.events import Event, own_provider
from gateway.api.representations import Cursor
from gateway.auth import SignedIn
from gateway.backends import Backends, Services
from gateway.live import Look
from gateway.problems import preferred_language, refused
from services.chassis.backoff import Backoff
from services.chassis.caller import Caller
from services.chassis.refusal import Language, Refusal, Unavailable
from services.contracts import limits
from services.contracts.forms import Slug
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb

router = APIRouter(tags=["events"])

_EVENTS_AT_ONCE: Final = 100
_RECONNECT_MILLISECONDS: Final = (1_000, 3_000)
"""How long readers are asked to wait before they come back; not all of them at the same moment."""


@dataclass(frozen=True)
class LiveFeed:
    """A cooperative's feed, read by the token of somebody who looks at it."""

    services: Backends
    caller: Caller
    look: Look
    language: Language

    async def page_after(self, cursor: str) -> pb.ReadFeedResponse:
        """The next events. Raises what notifications refuses, and Unavailable."""
        request = pb.ReadFeedRequest(provider=self.look.provider, after=cursor, limit=_EVENTS_AT_ONCE)
        async with self.look.reading:
            page: pb.ReadFeedResponse = await self.services.read(
                self.services.feed.ReadFeed, request, self.caller
            )
        return page

    async def messages(self, page: pb.ReadFeedResponse) -> AsyncIterator[ServerSentEvent]:
        """One for each event, from those of `page` on; before them one without data, so that whoever is cut
        off before the first event knows where to read on.
        """
        retry = random.randint(*_RECONNECT_MILLISECONDS)  # noqa: S311  # chance, not a secret
        yield ServerSentEvent(id=None if page.items else page.next_cursor, retry=retry)
        pauses = Backoff(first_seconds=0.5, maximum_seconds=5.0)
        goes_on = True
        while goes_on:
            for event in page.items:
                yield ServerSentEvent(id=event.cursor, raw_data=Event.of(event).model_dump_json())
            if not (page.more or await self.look.something_new()):
                return
            try:
                page = await self.page_after(page.next_cursor)
                pauses.reset()
            except Unavailable:
                page = pb.ReadFeedResponse(next_cursor=page.next_cursor, more=True)
                goes_on = await self.look.pause(pauses.next_seconds())
            except Refusal as refusal:
                problem = bytes(refused(refusal, self.language).body).decode()
                yield ServerSentEvent(event="end", raw_data=problem)
                return


async def _looked_at(
    request: Request,
    caller: SignedIn,
    services: Services,
    response: Response,
    provider: Slug | None = None,
    accept_language: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> AsyncIterator[LiveFeed]:
    response.headers["Cache-Control"] = "no-store"  # FastAPI itself says no more than "no-cache"
    with request.app.state.live.look(services, own_provider(caller, provider), caller.subject) as look:
        yield LiveFeed(services, caller, look, preferred_language(accept_language))


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
) -> AsyncIterator[ServerSentEvent]:
    """Your cooperative's events as they come, `after` a cursor or from now on.

    A stream of Server-Sent Events that goes on for as long as the token is good. Each message has an `id`,
    the cursor after its event, and as `data` the event as in the feed. Read on with `Last-Event-ID`, as
    `EventSource` does by itself: nothing is skipped, and nothing comes twice. When nothing else comes, a
    comment does every 15 seconds. If you may not read on, the last message is of type `end`, with the problem
    as `data`; a stream that ends without one was cut off.
    """
    async for message in feed.messages(first):
        yield message
