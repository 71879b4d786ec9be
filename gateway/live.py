"""Live updates: whoever looks at a cooperative's feed reads on as soon as there is something new.

notifications tells each gateway process, in one stream, whose feeds have grown, as long as anybody looks
here. What there is to read, everybody who looks reads with their own token: so what they may see is decided
where it always is, each time, and nothing is held here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import aclosing, contextmanager, suppress
from contextvars import Context
from typing import Final

from gateway.backends import Backends
from services.chassis.backoff import Backoff
from services.chassis.caller import ANONYMOUS
from services.chassis.logs import get_logger
from services.chassis.refusal import Kind, Refusal, Unavailable
from services.chassis.rpc import aio_client
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb

_OF_ONE_CALLER: Final = 20
_RETRY_AFTER_SECONDS: Final = 10
_WATCH_SECONDS: Final = 15.0
"""Longer than notifications lets a stream last: it ends it, and begins the next one by "it may be any"."""
_REST_SECONDS: Final = 0.05
"""Between two readings by one who looks: what comes meanwhile comes together."""
_READINGS_AT_ONCE: Final = 16
"""Of all who look: told that it may be any feed, or come back after a restart, they would all read at once,
and notifications would turn most of them away.
"""

_log = get_logger(__name__)


class TooManyLiveStreams(Refusal):
    """One account or system looks too often at once."""

    kind = Kind.THROTTLED
    type = "too-many-live-streams"
    it = "Sono ammessi al massimo {maximum} flussi in tempo reale per utente: chiuderne uno prima."
    en = "At most {maximum} live streams are allowed at once: close one first."


class Look:
    """One who looks at the feed of `provider`."""

    def __init__(self, provider: str, subject: str, reading: asyncio.Semaphore) -> None:
        self.provider = provider
        self.subject = subject
        self.reading = reading
        """Around each reading of the feed."""
        self._grown = asyncio.Event()
        self._over = asyncio.Event()
        self._rested_at = 0.0

    def tell(self) -> None:
        """There may be something new."""
        self._grown.set()

    def end(self) -> None:
        """Nobody looks any more: this process ends."""
        self._over.set()
        self._grown.set()

    async def something_new(self) -> bool:
        """Waits until there may be something, so often and no more; False: it is over."""
        await self._grown.wait()
        now = asyncio.get_running_loop().time()
        await self.pause(self._rested_at - now)
        self._grown.clear()
        self._rested_at = max(self._rested_at, now) + _REST_SECONDS
        return not self._over.is_set()

    async def pause(self, seconds: float) -> bool:
        """For so long; False: it is over."""
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._over.wait()
        return not self._over.is_set()


class LiveFeeds:
    """All who look through this process, at most `limit`. Belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._looks: set[Look] = set()
        self._reading = asyncio.Semaphore(_READINGS_AT_ONCE)
        self._watching: asyncio.Task[None] | None = None
        self._over = False

    @contextmanager
    def look(self, services: Backends, provider: str, subject: str) -> Iterator[Look]:
        """While the block runs. `subject`: who looks. Raises Unavailable, TooManyLiveStreams."""
        if self._over or len(self._looks) >= self._limit:
            raise Unavailable(retry_after_seconds=_RETRY_AFTER_SECONDS)
        if sum(each.subject == subject for each in self._looks) >= _OF_ONE_CALLER:
            raise TooManyLiveStreams(maximum=_OF_ONE_CALLER, retry_after_seconds=_RETRY_AFTER_SECONDS)
        look = Look(provider, subject, self._reading)
        self._looks.add(look)
        if self._watching is None:
            # In a context of its own: it is no part of the request that happens to be the first.
            self._watching = asyncio.create_task(self._watch(services), context=Context())
        try:
            yield look
        finally:
            self._looks.discard(look)
            if not self._looks:
                self._watching.cancel()
                self._watching = None

    def end(self) -> None:
        """Nobody looks any more, and nobody begins to."""
        self._over = True
        for each in self._looks:
            each.end()

    async def _watch(self, services: Backends) -> None:
        pauses = Backoff(first_seconds=0.5, maximum_seconds=5.0)
        while True:
            cause = "it ended at once"
            try:
                while await self._told(services):
                    pauses.reset()
            except Exception as error:  # noqa: BLE001  # whatever it is, those who look must not wait for ever
                cause = str(error)
            pause = pauses.next_seconds()
            _log.warning("feeds are not watched", cause=cause, again_in_seconds=round(pause, 1))
            await asyncio.sleep(pause)
            self._tell(True, ())

    async def _told(self, services: Backends) -> bool:
        """Passes on what notifications tells, until it ends; whether it told anything."""
        request = pb.WatchFeedsRequest()
        told = False
        async with aclosing(
            aio_client.stream(
                services.feed.WatchFeeds, request, caller=ANONYMOUS, deadline_seconds=_WATCH_SECONDS
            )
        ) as grown:
            async for each in grown:
                self._tell(each.any, each.providers)
                told = True
        return told

    def _tell(self, any_of_them: bool, providers: Iterable[str]) -> None:
        named = set(providers)
        for each in self._looks:
            if any_of_them or each.provider in named:
                each.tell()
