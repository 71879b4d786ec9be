"""The queue between a process and the collector: OpenTelemetry's own, with its losses counted.

Imported only where spans are recorded: importing the SDK takes time and memory.
"""

import logging
import threading
from collections.abc import Callable, Sequence

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from services.chassis.tracing_export import spans


class Queue(BatchSpanProcessor):
    """Ended spans on their way; the environment gives its bounds."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        """`exporter`: another than OTLP over HTTP, for a test."""
        # It warns of every batch that is not taken, and of every span that finds the queue full.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._lock = threading.Lock()
        self._waiting = 0
        self._most = int(self._default_max_queue_size())  # type: ignore[no-untyped-call]
        super().__init__(_Counted(exporter or OTLPSpanExporter(session=_session()), self._taken))

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            with self._lock:
                full = self._waiting >= self._most  # then the oldest is dropped
                self._waiting += not full
            if full:
                spans.labels("queue_full").inc()
        super().on_end(span)

    def _taken(self, number: int) -> None:
        with self._lock:
            self._waiting -= number


class _Counted(SpanExporter):
    def __init__(self, exporter: SpanExporter, taken: Callable[[int], None]) -> None:
        self._exporter = exporter
        self._taken = taken

    def export(self, batch: Sequence[ReadableSpan]) -> SpanExportResult:
        self._taken(len(batch))
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(batch)
        finally:
            outcome = "exported" if result is SpanExportResult.SUCCESS else "refused"
            spans.labels(outcome).inc(len(batch))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy for the internet is none on the way to the collector
    return session
