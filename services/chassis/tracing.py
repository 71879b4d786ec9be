"""Which request a piece of work belongs to: the W3C trace context and the request id.

Both live in context variables, so logs, outgoing calls and outbox rows pick them up without passing them by
hand. Where nothing is recorded, which is so until `record_with` (`tracing_export`), the identifiers are
carried on; else every piece of work becomes a span.

Names and attributes follow OpenTelemetry's semantic conventions, and none holds what could tell of a person:
no path but a route's template, no query, no parameter, no text of an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
)

__all__ = [
    "Attributes",
    "Span",
    "SpanKind",
    "begin_from",
    "begin_part",
    "current_trace_id",
    "current_traceparent",
    "end",
    "known",
    "mark_failed",
    "record_with",
    "request_id",
    "start_from",
    "step",
    "traceparent_of",
]

Attributes = Mapping[str, str | int]

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_NO_PARENT = otel_context.Context()

_tracer: Tracer | None = None
_request_id: ContextVar[str | None] = ContextVar("ambito_request_id", default=None)


def record_with(tracer: Tracer | None) -> None:
    """From now on this process records its spans with `tracer`; None: none."""
    global _tracer  # noqa: PLW0603 - the process's own, as OpenTelemetry's
    _tracer = tracer


def request_id() -> str | None:
    """The id under which the current request can be found in every log, or None outside any request."""
    return _request_id.get()


def current_trace_id() -> str | None:
    """The current trace id as 32 hexadecimal digits, or None outside any trace."""
    span = trace.get_current_span().get_span_context()
    return f"{span.trace_id:032x}" if span.is_valid else None


def current_traceparent() -> str | None:
    """The current position in the trace as a W3C `traceparent` header, or None outside any trace."""
    return traceparent_of(trace.get_current_span())


@contextmanager
def start_from(
    traceparent: str | None,
    request_id: str | None = None,
    *,
    name: str = "work",
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """Runs the block as part of the trace that `traceparent` names, or of a new one when it is absent or
    malformed.

    `request_id` is kept if it is 1 to 128 harmless ASCII characters; otherwise the trace id serves as request
    id, so that it is never absent inside the block. The rest is said of the span where spans are recorded.
    """
    span = begin_from(traceparent, name=name, kind=kind, attributes=attributes)
    if span is None:
        span = NonRecordingSpan(_parse(traceparent) or _new_position())
    if request_id is None or _REQUEST_ID.fullmatch(request_id) is None:
        request_id = f"{span.get_span_context().trace_id:032x}"
    id_token = _request_id.set(request_id)
    context_token = otel_context.attach(trace.set_span_in_context(span))
    try:
        yield span
    except BaseException as error:
        mark_failed(span, type(error).__name__)
        raise
    finally:
        otel_context.detach(context_token)
        _request_id.reset(id_token)
        span.end()


@contextmanager
def step(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None
) -> Iterator[Span]:
    """Runs the block as a part of the current work with a span of its own; as it is where nothing is
    recorded.
    """
    current = trace.get_current_span()
    if _tracer is None or not current.is_recording():
        yield current
        return
    span = _tracer.start_span(name, kind=kind, attributes=attributes)
    token = otel_context.attach(trace.set_span_in_context(span))
    try:
        yield span
    except BaseException as error:
        mark_failed(span, type(error).__name__)
        raise
    finally:
        otel_context.detach(token)
        span.end()


def begin_from(
    traceparent: str | None,
    *,
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
) -> Span | None:
    """A piece of work of the trace that `traceparent` names (or of a new one), for what goes on beside other
    work; None where nothing is recorded. The current span stays what it is; whoever begins it must `end` it.
    """
    if _tracer is None:
        return None
    parent = _parse(traceparent)
    context = (
        _NO_PARENT if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), _NO_PARENT)
    )
    return _tracer.start_span(name, context=context, kind=kind, attributes=attributes)


def begin_part(name: str, *, kind: SpanKind, attributes: Attributes) -> Span | None:
    """A part of the current work, which stays current; None where nothing is recorded. To be `end`ed."""
    if _tracer is None or not trace.get_current_span().is_recording():
        return None
    return _tracer.start_span(name, kind=kind, attributes=attributes)


def end(span: Span | None, error: str | None = None) -> None:
    """`error`: the class of what went wrong, if something did."""
    if span is None:
        return
    if error is not None:
        mark_failed(span, error)
    span.end()


def mark_failed(span: Span, error: str) -> None:
    """`error`: a class or a code, never a text."""
    span.set_attribute("error.type", error)
    span.set_status(StatusCode.ERROR)


def traceparent_of(span: Span) -> str | None:
    """The span's position as a W3C `traceparent` header, or None if it is in no trace."""
    position = span.get_span_context()
    if not position.is_valid:
        return None
    return f"00-{position.trace_id:032x}-{position.span_id:016x}-{position.trace_flags:02x}"


def known(traceparent: object) -> str | None:
    """What came as a `traceparent`, if it is a well-formed one."""
    return traceparent if isinstance(traceparent, str) and _parse(traceparent) is not None else None


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
