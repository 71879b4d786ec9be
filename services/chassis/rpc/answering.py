"""What happens around every call: trace, deadline, authentication, refusals, metrics and the access log.

Handlers are wrapped once, when they are registered, so that a call pays for one more function and not for a
chain of interceptors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import grpc
from prometheus_client import Counter, Histogram
from pydantic import ValidationError

from services.chassis import crash_points
from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.logs import get_logger
from services.chassis.refusal import Kind, Refusal
from services.chassis.rpc._calls import span_attributes
from services.chassis.rpc.context import Call, answering
from services.chassis.rpc.status import EXPIRED, FAULT, status_of, status_of_fault
from services.chassis.rpc.streaming import Send, StreamingBehaviour, Streams
from services.chassis.rpc.validation import invalid_field
from services.chassis.tokens import TokenInvalid
from services.chassis.tracing import SpanKind, mark_failed, request_id, start_from

Request = TypeVar("Request")
Response = TypeVar("Response")
Behaviour = Callable[[Request, grpc.ServicerContext], Response]

# gRPC reports "no deadline" as one that lies centuries ahead.
_NO_DEADLINE_SECONDS = 10 * 365 * 86_400.0
_BEARER = "bearer "

# A refusal is an answer; these are none.
_FAULTS = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}
_calls = Counter("rpc_calls_total", "Calls answered, by gRPC status", ["method", "code"])
_seconds = Histogram(
    "rpc_call_seconds",
    "Time from the start of the handler to its answer",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_log = get_logger("rpc")


class Verifier(Protocol):
    """What is needed of a TokenVerifier."""

    def verify(self, token: str) -> Caller:
        """The caller that `token` stands for, or a Refusal."""


class DeadlineRequired(Refusal):
    """A call without a deadline could wait for ever."""

    kind = Kind.INVALID
    type = "deadline-required"
    it = "La chiamata deve avere una scadenza."
    en = "The call must have a deadline."


class Answering:
    """Wraps handlers. `deadline_cap_seconds` limits how long a handler may believe its caller waits."""

    def __init__(self, verifier: Verifier, streams: Streams, *, deadline_cap_seconds: float) -> None:
        self._verifier = verifier
        self._streams = streams
        self._deadline_cap_seconds = deadline_cap_seconds

    def wrapped(
        self, method: str, handler: grpc.RpcMethodHandler[Any, Any]
    ) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler with all of it around; answers may be streamed. `method`: "package.Service/Method".
        TypeError if requests are.
        """
        serializing = handler.request_deserializer, handler.response_serializer
        if handler.unary_unary is not None:
            behaviour = self._around(method, handler.unary_unary)
            return grpc.unary_unary_rpc_method_handler(behaviour, *serializing)
        if handler.unary_stream is None:
            raise TypeError(f"{method} takes a stream of requests, which is not supported")
        streaming: Any = self._streamed(method, handler.unary_stream)  # of a form that its stubs do not know
        return grpc.unary_stream_rpc_method_handler(streaming, *serializing)

    def _streamed(
        self, method: str, behaviour: Behaviour[Request, Iterator[Response]]
    ) -> StreamingBehaviour[Request, Response]:
        def send_all(given: tuple[Request, Send[Response]], context: grpc.ServicerContext) -> None:
            request, send = given
            with self._streams.place():
                for response in behaviour(request, context):
                    send(response)

        return self._streams.behaviour(self._around(method, send_all))

    def _around(self, method: str, behaviour: Behaviour[Request, Response]) -> Behaviour[Request, Response]:
        observe_seconds = _seconds.labels(method).observe
        codes = {code: _calls.labels(method, code.name).inc for code in grpc.StatusCode}
        attributes = span_attributes(method)

        def answer(request: Request, context: grpc.ServicerContext) -> Response:
            started = time.perf_counter()
            metadata: Mapping[str, Any] = dict(context.invocation_metadata())
            caller = ANONYMOUS
            response: Response | None = None
            status: grpc.Status | None = None
            outcome = "ok"
            with start_from(
                metadata.get("traceparent"),
                metadata.get("x-request-id"),
                name=method,
                kind=SpanKind.SERVER,
                attributes=attributes,
            ) as span:
                try:
                    deadline = self._deadline(context)
                    caller = self._caller(metadata.get("authorization"))
                    with answering(Call(caller, metadata.get("idempotency-key"), deadline)):
                        response = behaviour(request, context)
                    crash_points.crash_point(crash_points.RPC, method)
                except Exception as error:  # noqa: BLE001  # a fault of ours, of any sort, must not show
                    outcome, status = _told(error, method)
                elapsed = time.perf_counter() - started
                observe_seconds(elapsed)
                code = grpc.StatusCode.OK if status is None else status.code
                codes[code]()
                if span.is_recording():
                    span.set_attribute("rpc.response.status_code", code.name)
                    if code in _FAULTS:
                        mark_failed(span, code.name)
                _log.info(
                    "rpc", method=method, outcome=outcome, ms=round(elapsed * 1000, 2), subject=caller.subject
                )
            if status is not None:
                context.abort_with_status(status)
            return response  # type: ignore[return-value]

        return answer

    def _deadline(self, context: grpc.ServicerContext) -> float:
        remaining = context.time_remaining()
        if remaining is None or remaining > _NO_DEADLINE_SECONDS:
            raise DeadlineRequired
        if remaining <= 0:
            raise _Expired
        return time.monotonic() + min(remaining, self._deadline_cap_seconds)

    def _caller(self, authorization: str | None) -> Caller:
        if authorization is None:
            return ANONYMOUS
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise TokenInvalid
        return self._verifier.verify(authorization[len(_BEARER) :].strip())


def _told(error: Exception, method: str) -> tuple[str, grpc.Status]:
    """What the log calls `error`, and what the caller is told of it."""
    if isinstance(error, _Expired):
        return "deadline-exceeded", EXPIRED
    try:
        refusal = invalid_field(error) if isinstance(error, ValidationError) else error
        if isinstance(refusal, Refusal):
            return refusal.type, status_of(refusal)
    except Exception as mistake:  # noqa: BLE001  # a refusal that cannot be told is a fault too
        error = mistake
    _log.error("rpc failed", method=method, exc_info=error)
    return FAULT, status_of_fault(request_id())


class _Expired(Exception):
    """The caller gave up while the call waited for a thread."""
