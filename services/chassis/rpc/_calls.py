"""What the blocking and the asynchronous client share: channel options, metadata, time limits."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import grpc
from prometheus_client import Counter, Histogram

from services.chassis.caller import Caller
from services.chassis.refusal import Unavailable
from services.chassis.rpc.context import remaining_seconds
from services.chassis.rpc.health import TAKING_CALLS
from services.chassis.rpc.status import refusal_from
from services.chassis.tracing import SpanKind, current_traceparent, request_id, step

MAX_REQUEST_BYTES = 1024 * 1024
MAX_RESPONSE_BYTES = 4 * 1024 * 1024
RETRY_AFTER_SECONDS = 2

_calls = Counter(
    "rpc_client_calls_total", "Calls made, by gRPC status or why there is none", ["method", "code"]
)
_seconds = Histogram(
    "rpc_client_call_seconds",
    "Time from the call to its answer",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

Metadata = tuple[tuple[str, str], ...]


def channel_options(retried_reads: Iterable[str]) -> list[tuple[str, str | int]]:
    """gRPC channel arguments. `retried_reads`: "package.Service/Method" of methods without effect."""
    return [
        ("grpc.service_config", service_config(retried_reads)),
        ("grpc.max_send_message_length", MAX_REQUEST_BYTES),
        ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        # A service that comes back is found again within seconds, and new replicas are noticed.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 3_000),
        ("grpc.dns_min_time_between_resolutions_ms", 5_000),
        ("grpc.enable_http_proxy", 0),
    ]


def service_config(retried_reads: Iterable[str]) -> str:
    """Every replica that takes calls in turn; the named reads once more when a replica was not reachable,
    commands never.
    """
    names = []
    for method in retried_reads:
        service, _, name = method.strip("/").partition("/")
        if not (service and name):
            raise ValueError(f"not a full method name: {method!r}")
        names.append({"service": service, "method": name})
    config: dict[str, object] = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": TAKING_CALLS},
    }
    if names:
        retry = {
            "maxAttempts": 2,
            "initialBackoff": "0.05s",
            "maxBackoff": "0.2s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        config["methodConfig"] = [{"name": names, "retryPolicy": retry}]
    return json.dumps(config)


def span_attributes(method: str) -> dict[str, str]:
    """What a span says of a call. `method`: "package.Service/Method"."""
    return {"rpc.system.name": "grpc", "rpc.method": method}


@contextmanager
def calling(stub: object) -> Iterator[None]:
    """Around one call of the stub's method: measures it, makes a span of it, and translates gRPC's errors.

    The metadata must be made inside, to carry the span's position.
    """
    # A stub tells nobody its name; both kinds have it here.
    name = getattr(stub, "_method", b"unknown").decode().lstrip("/")
    started = time.perf_counter()
    code = "OK"
    try:
        with step(name, kind=SpanKind.CLIENT, attributes=span_attributes(name)) as span:
            try:
                yield
            except grpc.RpcError as error:
                code = error.code().name
                span.set_attribute("rpc.response.status_code", code)
                raise refusal_from(error) from error
            except Unavailable:
                code = "NO_TIME_LEFT"
                raise
            except BaseException:
                code = "GIVEN_UP"
                raise
    finally:
        _calls.labels(name, code).inc()
        _seconds.labels(name).observe(time.perf_counter() - started)


def outgoing_metadata(
    caller: Caller, idempotency_key: str | None, client_address: str | None = None
) -> Metadata:
    """What travels with a call: the caller's token, the idempotency key, the request id, the trace position
    and, where a service throttles by it, the network address of the client at the edge.
    """
    pairs = []
    if caller.token:
        pairs.append(("authorization", f"Bearer {caller.token}"))
    if idempotency_key is not None:
        pairs.append(("idempotency-key", idempotency_key))
    if client_address is not None:
        pairs.append(("client-address", client_address))
    if (current := request_id()) is not None:
        pairs.append(("x-request-id", current))
    if (traceparent := current_traceparent()) is not None:
        pairs.append(("traceparent", traceparent))
    return tuple(pairs)


def time_limit(deadline_seconds: float) -> float:
    """`deadline_seconds`, or less if whoever called us gives up sooner. Unavailable if no time is left."""
    left = remaining_seconds()
    if left is None:
        return deadline_seconds
    if left <= 0:
        raise Unavailable(retry_after_seconds=RETRY_AFTER_SECONDS)
    return min(deadline_seconds, left)
