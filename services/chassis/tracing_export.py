"""Recording spans and sending them to a collector, by OTLP over HTTP: only where an endpoint is set.

The standard variables of OpenTelemetry say where to, how much, and how long: OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_TRACES_SAMPLER with OTEL_TRACES_SAMPLER_ARG, OTEL_EXPORTER_OTLP_TIMEOUT (seconds),
OTEL_BSP_MAX_QUEUE_SIZE (spans), OTEL_BSP_SCHEDULE_DELAY (milliseconds).

Nothing waits for the collector: spans wait in a bounded queue, a thread sends them in batches, and what the
queue does not hold or the collector does not take is dropped and counted.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

from services.chassis import tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_STOP_SECONDS: Final = 3.0
"""How long the last spans may hold up the end of a process."""

spans = Counter(
    "trace_spans_total",
    "Spans by what became of them: exported, refused by the collector, queue_full",
    ["outcome"],
)


@contextmanager
def exporting(service: str, process: str) -> Iterator[None]:
    """Records spans inside the block and sends them, if an endpoint is set; else does nothing.

    In a worker only after eventlet has patched the process. The last spans are sent at the end, within three
    seconds.
    """
    if not any(map(os.environ.get, _ENDPOINTS)):
        yield
        return
    for outcome in ("exported", "refused", "queue_full"):
        spans.labels(outcome)
    provider = _provider(service, process)
    try:
        yield
    finally:
        # The SDK's own limit is half a minute, in which a supervisor has lost patience.
        sending = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
        sending.start()
        sending.join(_STOP_SECONDS)


def _provider(service: str, process: str) -> "TracerProvider":
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from services.chassis.tracing_queue import Queue

    resource = Resource.create(
        {
            "service.namespace": "ambito",
            "service.name": f"{service}-{process}",
            "service.version": os.environ.get("AMBITO_VERSION", "unknown"),
            "service.instance.id": os.uname().nodename,
        }
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(Queue())
    tracing.record_with(provider.get_tracer("ambito"))
    return provider
