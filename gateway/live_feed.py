"""A cooperative's feed as somebody reads it who looks: for the API's stream, and for the portal's."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self

from fastapi import Request, Response
from fastapi.sse import ServerSentEvent

from gateway.backends import Backends
from gateway.live import Look
from services.chassis.backoff import Backoff
from services.chassis.caller import Caller
from services.chassis.refusal import Unavailable
from services.contracts import limits
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb

_RECONNECT_MILLISECONDS: Final = (1_000, 3_000)


def reconnect_milliseconds() -> int:
    """How long a reader is asked to wait before it comes back; not all of them at the same moment."""
    return random.randint(*_RECONNECT_MILLISECONDS)  # noqa: S311  # chance, not a secret


def beginning(first: pb.ReadFeedResponse) -> ServerSentEvent:
    """Without data: whoever is cut off before the first event knows where to read on, and when."""
    return ServerSentEvent(id=None if first.items else first.next_cursor, retry=reconnect_milliseconds())


@dataclass(frozen=True)
class LiveFeed:
    """A cooperative's feed, read by the token of somebody who looks at it."""

    services: Backends
    caller: Caller
    look: Look

    @classmethod
    @contextmanager
    def opened(
        cls, request: Request, response: Response, services: Backends, caller: Caller, provider: str
    ) -> Iterator[Self]:
        """The feed of `provider` while the block runs, for a stream that nobody keeps.

        Raises Unavailable, TooManyLiveStreams.
        """
        response.headers["Cache-Control"] = "no-store"  # FastAPI itself says no more than "no-cache"
        with request.app.state.live.look(services, provider, caller.subject) as look:
            yield cls(services, caller, look)

    async def page_after(self, cursor: str) -> pb.ReadFeedResponse:
        """The next events. Raises what notifications refuses, and Unavailable."""
        request = pb.ReadFeedRequest(provider=self.look.provider, after=cursor, limit=limits.PAGE_ITEMS)
        async with self.look.reading:
            page: pb.ReadFeedResponse = await self.services.read(
                self.services.feed.ReadFeed, request, self.caller
            )
        return page

    async def pages(self, page: pb.ReadFeedResponse) -> AsyncIterator[pb.ReadFeedResponse]:
        """`page` and those that come after it, each as soon as there is something in it, until this process
        ends. Raises what notifications refuses; while it is away, waits for it.
        """
        pauses = Backoff(first_seconds=0.5, maximum_seconds=5.0)
        goes_on = True
        while goes_on:
            if page.items:
                yield page
            if not (page.more or await self.look.something_new()):
                return
            try:
                page = await self.page_after(page.next_cursor)
                pauses.reset()
            except Unavailable:
                page = pb.ReadFeedResponse(next_cursor=page.next_cursor, more=True)
                goes_on = await self.look.pause(pauses.next_seconds())
