"""Which request a piece of work belongs to: the W3C trace context and the request id.

Both live in context variables, so logs, outgoing calls and outbox rows pick them up without passing them by
hand. Only the OpenTelemetry API is used: with no SDK configured the identifiers are carried on and nothing is
recorded; with one, every `start_from` becomes a real span.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_NO_PARENT = otel_context.Context()

_tracer = trace.get_tracer("ambito")
_request_id: ContextVar[str | None] = ContextVar("ambito_request_id", default=None)


def request_id() -> str | None:
    """The id under which the current request can be found in every log, or None outside any request."""
    return _request_id.get()


def current_trace_id() -> str | None:
    """The current trace id as 32 hexadecimal digits, or None outside any trace."""
    span = trace.get_current_span().get_span_context()
    return f"{span.trace_id:032x}" if span.is_valid else None


def current_traceparent() -> str | None:
    """The current position in the trace as a W3C `traceparent` header, or None outside any trace."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


@contextmanager
def start_from(
    traceparent: str | None, request_id: str | None = None, *, name: str = "work"
) -> Iterator[None]:
    """Runs the block as part of the trace that `traceparent` names, or of a new one when it is absent or
    malformed.

    `request_id` is kept if it is 1 to 128 harmless ASCII characters; otherwise the trace id serves as request
    id, so that it is never absent inside the block. `name` is the span's name where spans are recorded.
    """
    parent = _parse(traceparent)
    span = _tracer.start_span(
        name,
        context=_NO_PARENT
        if parent is None
        else trace.set_span_in_context(NonRecordingSpan(parent), _NO_PARENT),
    )
    position = span.get_span_context()
    if not position.is_valid:
        position = _new_position()
        span = NonRecordingSpan(position)
    if request_id is None or _REQUEST_ID.fullmatch(request_id) is None:
        request_id = f"{position.trace_id:032x}"
    id_token = _request_id.set(request_id)
    context_token = otel_context.attach(trace.set_span_in_context(span))
    try:
        yield
    finally:
        otel_context.detach(context_token)
        _request_id.reset(id_token)
        span.end()


def _parse(traceparent: str | None) -> SpanContext | None:
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent and len(traceparent) <= 512 else None
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more):
        return None
    position = SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )
    return position if position.is_valid else None


def _new_position() -> SpanContext:
    return SpanContext(
        int.from_bytes(os.urandom(16)) or 1,
        int.from_bytes(os.urandom(8)) or 1,
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
