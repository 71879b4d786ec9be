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
from gateway.backends import Backends, Services
from services.chassis.caller import ANONYMOUS

_MOST: Final = 2_000
"""Answers kept at once; a month of slots is some 50 kB."""


@dataclass(slots=True)
class _Shared:
    answer: asyncio.Task[bytes]
    until: float


class SharedReads:
    """Answers of at most `seconds` of age, by question. Belongs to one event loop."""

    def __init__(
        self, seconds: float, *, most: int = _MOST, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`now` gives seconds that never go back."""
        self._seconds = seconds
        self._most = most
        self._now = now
        self._kept: OrderedDict[Hashable, _Shared] = OrderedDict()

    async def get(
        self, question: Hashable, ask: Callable[[], Awaitable[bytes]], *, fresh: bool = False
    ) -> bytes:
        """What `ask` answers, or answered to somebody else a moment ago; `fresh`: asked from now on.

        A failure is told to those who wait for it, and not kept.
        """
        kept = self._kept.get(question)
        if kept is None or fresh or (kept.answer.done() and kept.until <= self._now()):
            kept = self._begin(question, ask)
        return await asyncio.shield(kept.answer)  # whoever began it may go; the others still wait

    def _begin(self, question: Hashable, ask: Callable[[], Awaitable[bytes]]) -> _Shared:
        async def answer() -> bytes:
            try:
                found = await ask()
            except BaseException:
                if self._kept.get(question) is begun:
                    del self._kept[question]
                raise
            begun.until = self._now() + self._seconds
            return found

        begun = _Shared(asyncio.ensure_future(answer()), until=0.0)
        begun.answer.add_done_callback(_look_at)
        self._kept[question] = begun
        self._kept.move_to_end(question)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return begun


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
    services: Services,
    _caller: Anyone,  # a token that is sent must be good, also where none is needed
    cache_control: Annotated[
        str,
        Header(description="`no-cache`: the state as of this request, instead of some second ago at most"),
    ] = "",
) -> PublicReads:
    return PublicReads(services, request.app.state.shared_reads, fresh="no-cache" in cache_control)


Public = Annotated[PublicReads, Depends(_public_reads)]
