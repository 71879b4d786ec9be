"""What happens, on the desk the moment it does: Server-Sent Events, each with a piece of the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from gateway.api.representations import Cursor
from gateway.live_feed import LiveFeed, beginning
from gateway.portal.cooperative.desk import ZONE, AtDesk, Desk, Visit
from gateway.portal.errors import end_of_stream
from gateway.portal.templates import render
from services.chassis.refusal import Kind, Refusal
from services.contracts import limits
from services.contracts.events.catalogue import BookingCancelled, BookingConfirmed, BookingDelivered
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb

router = APIRouter(prefix="/cooperatives/{provider}")

_SHOWN: Final = {each.event_type() for each in (BookingConfirmed, BookingCancelled, BookingDelivered)}
_PAUSE_SECONDS: Final = 0.1
"""After news: what happens meanwhile comes with the next. Who reads sees no difference, and a browser puts
many lines into a page as fast as one.
"""


@dataclass(frozen=True)
class News:
    """Something that happened to a booking; `visit`: as it is by now."""

    type: str
    at: datetime
    place: str
    """Of the feed, right after it."""
    visit: Visit


async def _looked_at(request: Request, desk: AtDesk, response: Response) -> AsyncIterator[LiveFeed]:
    with LiveFeed.opened(request, response, desk.services, desk.caller, desk.provider) as feed:
        yield feed


async def _first_page(
    feed: Annotated[LiveFeed, Depends(_looked_at)],
    after: Cursor,
    last_event_id: Annotated[str, Header(max_length=limits.CURSOR_CHARACTERS)] = "",
) -> pb.ReadFeedResponse:
    return await feed.page_after(last_event_id or after)


@router.get("/live", response_class=EventSourceResponse)
async def watch(
    desk: AtDesk,
    day: date,
    feed: Annotated[LiveFeed, Depends(_looked_at)],
    first: Annotated[pb.ReadFeedResponse, Depends(_first_page)],
) -> AsyncIterator[ServerSentEvent]:
    """Messages `news`, with a line for each booking that is made, cancelled or proven, the newest first;
    `day`, when that changes what the table of `day` shows; and `ended`, when it does not go on.
    """
    yield beginning(first)
    try:
        async for page in feed.pages(first):
            if news := await _news(desk, page):
                lines = render("cooperative/news.html", desk=desk, news=reversed(news))
                yield ServerSentEvent(event="news", id=news[-1].place, raw_data=lines)
                if any(each.visit.starts.date() == day for each in news):
                    yield ServerSentEvent(event="day", raw_data="changed")
                if not await feed.look.pause(_PAUSE_SECONDS):
                    return
    except Refusal as refusal:
        # A token that has run out: the browser comes back, and is given a new one or told to sign in.
        last = None if refusal.kind is Kind.UNAUTHENTICATED else end_of_stream(refusal)
        if last is not None:
            yield ServerSentEvent(event="ended", raw_data=last)


async def _news(desk: Desk, page: pb.ReadFeedResponse) -> list[News]:
    events = [each for each in page.items if each.type in _SHOWN]
    visits = await desk.visits({UUID(each.subject) for each in events})
    return [
        News(each.type, each.time.ToDatetime(UTC).astimezone(ZONE), each.cursor, visit)
        for each in events
        if (visit := visits.get(UUID(each.subject))) is not None
    ]
