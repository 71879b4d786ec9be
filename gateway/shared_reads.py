"""Public reads that many make at the same moment: asked of the service once, answered to all.

When a click day opens, thousands look at the same week of the same service. What they see is a hint in any
case: whether a seat is free is decided when it is booked.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sized
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Depends, Header, Request, Response
from google.protobuf.message import Message
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.representations import Answer
from gateway.auth import Anyone, caller_of, remember_consumer
from gateway.backends import Backends
from services.chassis.caller import ANONYMOUS
from services.chassis.refusal import Refusal
from services.chassis.tokens import TokenVerifier

_MOST_BYTES: Final = 16 * 1024 * 1024

Told = TypeVar("Told", bound=Sized)
Question = tuple[str, bytes]
"""Path and query, word for word: who asks the same in other words asks anew."""


class SharedReads(Generic[Told]):
    """Answers of at most `seconds` of age, by question. Belongs to one event loop."""

    def __init__(
        self, seconds: float, *, most_bytes: int = _MOST_BYTES, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Keeps at most `most_bytes` of answers, by their `len`; `now` gives seconds that never go back."""
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._now = now
        self._asking: dict[Hashable, asyncio.Task[Told]] = {}
        self._kept: OrderedDict[Hashable, tuple[Told, float]] = OrderedDict()  # with their end, oldest first
        self._bytes = 0

    def kept(self, question: Hashable) -> Told | None:
        """What was answered a moment ago."""
        answer, until = self._kept.get(question, (None, 0.0))
        return answer if self._now() < until else None

    async def get(
        self, question: Hashable, ask: Callable[[], Awaitable[Told]], *, fresh: bool = False
    ) -> Told:
        """What `ask` answers, or answered to somebody else a moment ago; `fresh`: asked from now on.

        A failure is told to those who wait for it, and not kept.
        """
        if not fresh and (answer := self.kept(question)) is not None:
            return answer
        asking = None if fresh else self._asking.get(question)
        if asking is None:
            asking = self._asking[question] = asyncio.ensure_future(self._ask(question, ask))
            asking.add_done_callback(_look_at)
        return await asyncio.shield(asking)  # whoever began it may go; the others still wait

    async def _ask(self, question: Hashable, ask: Callable[[], Awaitable[Told]]) -> Told:
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

    def _keep(self, question: Hashable, answer: Told) -> None:
        before, _ = self._kept.pop(question, ((), 0.0))
        self._kept[question] = answer, self._now() + self._seconds
        self._bytes += len(answer) - len(before)
        while self._kept:
            oldest, (kept, until) = next(iter(self._kept.items()))
            if self._now() < until and self._bytes <= self._most_bytes:
                break
            del self._kept[oldest]
            self._bytes -= len(kept)


def _look_at(answer: asyncio.Task[Told]) -> None:
    """So that asyncio does not complain of a failure for which nobody waited any more."""
    if not answer.cancelled():
        answer.exception()


@dataclass(frozen=True, slots=True)
class PublicAnswer:
    """JSON that anybody may see, the question to which it is the answer, and the route that made it."""

    question: Question
    body: bytes
    route: object

    def __len__(self) -> int:
        """Bytes that it takes to keep, the question's too: those may be as many as whoever asks likes."""
        return sum(map(len, self.question)) + len(self.body)

    def response(self) -> Response:
        """The same for everybody who is told it."""
        return Response(self.body, media_type="application/json")


PublicAnswers = SharedReads[PublicAnswer]


class Known:
    """Answers public reads whose answer is still kept, before anything else is found out about them.

    Finding the route, reading its parameters and resolving its dependencies are two thirds of what such an
    answer costs this process. Whatever is unusual goes on to the route, which says what is wrong.
    """

    def __init__(self, app: ASGIApp, *, answers: PublicAnswers, verifier: TokenVerifier) -> None:
        self._app = app
        self._answers = answers
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = self._known(scope) if scope["type"] == "http" else None
        if known is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = known.route  # by which requests are counted
        await known.response()(scope, receive, send)

    def _known(self, scope: Scope) -> PublicAnswer | None:
        known = self._answers.kept(_question(scope)) if scope["method"] == "GET" else None
        if known is None:
            return None
        headers = Headers(scope=scope)
        if _wants_it_anew(headers.get("cache-control", "")):
            return None
        try:
            remember_consumer(scope, caller_of(self._verifier, headers))
        except Refusal:
            return None
        return known


def _question(scope: Scope) -> Question:
    return scope["path"], scope["query_string"]


def _wants_it_anew(cache_control: str) -> bool:
    return "no-cache" in cache_control


@dataclass(frozen=True)
class PublicReads:
    """Answers a request's question to the catalogue, the same to everybody."""

    services: Backends
    answers: PublicAnswers
    scope: Scope
    fresh: bool

    async def answer(self, method: object, request: Message, form: type[Answer]) -> Response:
        """`form` filled with what `method` answers to `request` (a message), as JSON."""
        question = _question(self.scope)

        async def ask() -> PublicAnswer:
            found = await self.services.read(method, request, ANONYMOUS)
            return PublicAnswer(question, form.of(found).model_dump_json().encode(), self.scope["route"])

        answer = await self.answers.get(question, ask, fresh=self.fresh)
        return answer.response()


async def _public_reads(
    request: Request,
    _caller: Anyone,  # a token that is sent must be good, also where none is needed
    cache_control: Annotated[
        str,
        Header(description="`no-cache`: as it is now; otherwise an answer may be up to a second old"),
    ] = "",
) -> PublicReads:
    state = request.app.state
    fresh = _wants_it_anew(cache_control)
    return PublicReads(state.backends, state.public_answers, request.scope, fresh=fresh)


Public = Annotated[PublicReads, Depends(_public_reads)]
