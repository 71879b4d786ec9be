"""Answers that come one after the other, for as long as the caller waits for more.

A handler that waits for what it has to tell would keep one of the few threads that all other calls are
answered by. So streams have threads of their own, and there is room for so many.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, runtime_checkable

import grpc

from services.chassis.refusal import Unavailable

Request = TypeVar("Request")
Response = TypeVar("Response")
Send = Callable[[Response | None], None]
"""Sends an answer; None ends the stream."""
StreamingBehaviour = Callable[[Request, grpc.ServicerContext, Send[Response]], None]

_RETRY_AFTER_SECONDS = 5


@runtime_checkable
class Streaming(Protocol):
    """A servicer that streams."""

    def end_streams(self) -> None:
        """Have every stream end now, and each that begins later: the server is about to end."""


class Streams:
    """Room for `maximum` streams at once."""

    def __init__(self, maximum: int) -> None:
        self._places = threading.BoundedSemaphore(maximum)
        # One more, to turn away whoever finds no place.
        self._threads = ThreadPoolExecutor(maximum + 1, thread_name_prefix="stream")

    @contextmanager
    def place(self) -> Iterator[None]:
        """Around a stream. Raises Unavailable if there are as many as there may be."""
        if not self._places.acquire(blocking=False):
            raise Unavailable(retry_after_seconds=_RETRY_AFTER_SECONDS)
        try:
            yield
        finally:
            self._places.release()

    def behaviour(
        self, answer: Callable[[tuple[Request, Send[Response]], grpc.ServicerContext], None]
    ) -> StreamingBehaviour[Request, Response]:
        """What gRPC is to call: `answer` with the request and a function that sends, in a thread of these."""

        def stream(request: Request, context: grpc.ServicerContext, send: Send[Response]) -> None:
            answer((request, send), context)
            send(None)

        # As gRPC's own parts have it: with a function to send, the thread is ours to choose.
        marks: Any = stream
        marks.experimental_non_blocking = True
        marks.experimental_thread_pool = self._threads
        return stream

    def close(self) -> None:
        """Those under way go on."""
        self._threads.shutdown(wait=False)
