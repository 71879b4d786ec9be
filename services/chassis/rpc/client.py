"""Calling another service from a `grpc` process: blocking, always with a deadline.

channel = open_channel("dns:///depot-grpc:50051", retried_reads=["example.depot.v1.Depot/GetParcel"])
depot = depot_pb2_grpc.DepotStub(channel)
answer = call(depot.Store, request, caller=caller_of(context), deadline_seconds=2, idempotency_key=key)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import grpc

from services.chassis.caller import Caller
from services.chassis.rpc._calls import calling, channel_options, outgoing_metadata, time_limit

Request = TypeVar("Request")
Response = TypeVar("Response")


def open_channel(target: str, *, retried_reads: Iterable[str] = ()) -> grpc.Channel:
    """A channel that spreads calls over all addresses of `target`; connects on first use. Keep it; close it
    at the end.

    `retried_reads`: full names ("package.Service/Method") of methods without effect, repeated once when
    unreachable.
    """
    return grpc.insecure_channel(target, options=channel_options(retried_reads))


def call(
    method: grpc.UnaryUnaryMultiCallable[Request, Response],
    request: Request,
    *,
    caller: Caller,
    deadline_seconds: float,
    idempotency_key: str | None = None,
) -> Response:
    """Calls `method` on behalf of `caller` and returns its answer.

    Waits at most `deadline_seconds`, and never longer than the current call's own caller. Raises Unavailable
    when the service did not answer (the effect may have happened or not), RemoteRefusal with what the service
    refused, and RemoteFailure for a fault on its side.
    """
    with calling(method):
        return method(
            request, timeout=time_limit(deadline_seconds), metadata=outgoing_metadata(caller, idempotency_key)
        )
