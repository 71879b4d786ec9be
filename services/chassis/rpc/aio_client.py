"""The asynchronous counterpart of `client`, for the gateway. A channel belongs to its event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import TypeVar

import grpc
import grpc.aio

from services.chassis.caller import Caller
from services.chassis.rpc._calls import calling, channel_options, outgoing_metadata, time_limit

Request = TypeVar("Request")
Response = TypeVar("Response")


def open_channel(target: str, *, retried_reads: Iterable[str] = ()) -> grpc.aio.Channel:
    """As `client.open_channel`; call it inside the running event loop; `await channel.close()` at the end."""
    return grpc.aio.insecure_channel(target, options=channel_options(retried_reads))


async def call(
    method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
    request: Request,
    *,
    caller: Caller,
    deadline_seconds: float,
    idempotency_key: str | None = None,
    client_address: str | None = None,
) -> Response:
    """As `client.call`: raises Unavailable, RemoteRefusal or RemoteFailure."""
    with calling(method):
        metadata = outgoing_metadata(caller, idempotency_key, client_address)
        return await method(request, timeout=time_limit(deadline_seconds), metadata=metadata)


async def stream(
    method: grpc.aio.UnaryStreamMultiCallable[Request, Response],
    request: Request,
    *,
    caller: Caller,
    deadline_seconds: float,
) -> AsyncGenerator[Response, None]:
    """The answers of a method that streams them, until it ends. Raises as `call` does, also in between."""
    with calling(method):
        metadata = outgoing_metadata(caller, None)
        answers = method(request, timeout=time_limit(deadline_seconds), metadata=metadata)
        try:
            async for response in answers:
                yield response
        finally:
            answers.cancel()  # whoever listens may leave in between
