"""Public reads that many make at the same moment: asked of the service once, answered to all.

When a click day opens, thousands look at the same week of the same service. What they see is a hint in any
case: whether a seat is free is decided when it is booked.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response
from google.protobuf.message import Message

from gateway.api.representations import Answer
from gateway.auth import Anyone
from gateway.backends import Backends
from services.chassis.caller import ANONYMOUS

_MOST_BYTES: Final = 16 * 1024 * 1024


class SharedReads:
    """Answers of at most `seconds` of age, by question. Belongs to one event loop."""

    def __init__(
        self, seconds: float, *, most_bytes: int = _MOST_BYTES, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Keeps at most `most_bytes` of answers; `now` gives seconds that never go back."""
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._now = now
        self._asking: dict[Hashable, asyncio.Task[bytes]] = {}
        self._kept: OrderedDict[Hashable, tuple[bytes, float]] = OrderedDict()  # with their end, oldest first
        self._bytes = 0

    async def get(
        self, question: Hashable, ask: Callable[[], Awaitable[bytes]], *, fresh: bool = False
    ) -> bytes:
        """What `ask` answers, or answered to somebody else a moment ago; `fresh`: asked from now on.

        A failure is told to those who wait for it, and not kept.
        """
        if not fresh:
            answer, until = self._kept.get(question, (b"", 0.0))
            if self._now() < until:
                return answer
        asking = None if fresh else self._asking.get(question)
        if asking is None:
            asking = self._asking[question] = asyncio.ensure_future(self._ask(question, ask))
            asking.add_done_callback(_look_at)
        return await asyncio.shield(asking)  # whoever began it may go; the others still wait

    async def _ask(self, question: Hashable, ask: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            answer = await ask()
        finally:
            # Unless somebody has asked anew meanwhile: then that answer is the one to keep.
            is_latest = self._asking.get(question) is asyncio.current_task()
            if is_latest:
                del self._asking[question]
        if is_latest:
            self._keep(question, answer)
        return answer

    def _keep(self, question: Hashable, answer: bytes) -> None:
        before, _ = self._kept.pop(question, (b"", 0.0))
        self._kept[question] = answer, self._now() + self._seconds
        self._bytes += len(answer) - len(before)
        while self._kept:
            oldest, (kept, until) = next(iter(self._kept.items()))
            if self._now() < until and self._bytes <= self._most_bytes:
                break
            del self._kept[oldest]
            self._bytes -= len(kept)


def _look_at(answer: asyncio.Task[bytes]) -> None:
    """So that asyncio does not complain of a failure for which nobody waited any more."""
    if not answer.cancelled():
        answer.exception()


@dataclass(frozen=True)
class PublicReads:
    """Answers a request's question to the catalogue, the same to everybody."""

    services: Backends
    shared: SharedReads
    fresh: bool

    async def answer(self, method: object, request: Message, form: type[Answer]) -> Response:
        """`form` filled with what `method` answers to `request` (a message), as JSON."""

        async def ask() -> bytes:
            found = await self.services.read(method, request, ANONYMOUS)
            return form.of(found).model_dump_json().encode()

        question = (type(request), request.SerializeToString(deterministic=True))
        return Response(await self.shared.get(question, ask, fresh=self.fresh), media_type="application/json")


async def _public_reads(
    request: Request,
    _caller: Anyone,  # a token that is sent must be good, also where none is needed
    cache_control: Annotated[
        str,
        Header(description="`no-cache`: as it is now; otherwise an answer may be up to a second old"),
    ] = "",
) -> PublicReads:
    state = request.app.state
    return PublicReads(state.backends, state.shared_reads, fresh="no-cache" in cache_control)


Public = Annotated[PublicReads, Depends(_public_reads)]
