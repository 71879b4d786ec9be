"""What becomes a span where spans are recorded, and what of it is never told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind

from services.chassis import tracing, tracing_export
from services.chassis.database_use import Use
from services.chassis.messaging.flight import Flights
from services.chassis.messaging.pending import Row
from services.chassis.tracing_queue import Queue

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"


@pytest.fixture
def recorded() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(1.0)), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.record_with(provider.get_tracer("test"))
    yield exporter
    tracing.record_with(None)
    provider.shutdown()


def by_name(exporter: InMemorySpanExporter) -> dict[str, Any]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_work_steps_and_parts_are_one_trace_and_each_knows_its_parent(recorded: InMemorySpanExporter) -> None:
    with tracing.start_from(PARENT, name="work", kind=SpanKind.SERVER):
        with tracing.step("call", kind=SpanKind.CLIENT):
            passed_on = tracing.current_traceparent()
        with Use("transaction", "vouchers").measured():
            written_down = tracing.current_traceparent()
    spans = by_name(recorded)
    work, call, used = spans["work"], spans["call"], spans["transaction vouchers"]
    assert {f"{span.context.trace_id:032x}" for span in (work, call, used)} == {TRACE}
    assert f"{work.parent.span_id:016x}" == "b7ad6b7169203331"
    assert call.parent.span_id == used.parent.span_id == work.context.span_id
    assert passed_on is not None
    assert passed_on.split("-")[2] == f"{call.context.span_id:016x}", "the other side hangs below the call"
    assert written_down is not None
    assert written_down.split("-")[2] == f"{work.context.span_id:016x}", "events hang below the work"
    assert used.attributes["db.system.name"] == "postgresql"


def test_a_failure_is_told_by_its_class_and_never_by_its_text(recorded: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="Rossi"), tracing.start_from(PARENT), tracing.step("part"):
        raise ValueError("Maria Rossi")
    for span in recorded.get_finished_spans():
        assert not span.status.is_ok
        assert span.attributes == {"error.type": "ValueError"}
        assert "Rossi" not in span.to_json()


def test_what_was_not_chosen_at_the_beginning_is_not_recorded_further_on(
    recorded: InMemorySpanExporter,
) -> None:
    with tracing.start_from(UNSAMPLED), tracing.step("part"), Use("read", "vouchers").measured():
        assert tracing.current_trace_id() == TRACE
        position = tracing.current_traceparent()
    assert position is not None
    assert position.endswith("-00")
    assert recorded.get_finished_spans() == ()


def row(traceparent: str | None) -> Row:
    return {
        "id": 7, "event_id": uuid4(), "source": "ambito/probe", "type": "ambito.probe.thing.done.v1",
        "subject": "thing", "sequence": 1, "occurred_at": datetime.now(UTC), "created_at": datetime.now(UTC),
        "routing_key": "thing.done.L319.aurora", "public": True, "traceparent": traceparent, "data": b"{}",
    }  # fmt: skip


@pytest.mark.parametrize(("answer", "failed"), [(None, False), ("no queue is bound", True)])
def test_an_event_on_its_way_is_a_span_and_its_message_hangs_below_it(
    recorded: InMemorySpanExporter, answer: str | None, failed: bool
) -> None:
    flights = Flights("probe")
    message = flights.begin([row(PARENT)])[7]
    assert (len(flights), recorded.get_finished_spans()) == (1, ())
    flights.landed({7: answer})
    (span,) = recorded.get_finished_spans()
    assert (span.name, span.kind) == ("publish ambito.probe.public", SpanKind.PRODUCER)
    assert span.context is not None
    assert span.parent is not None
    assert message.headers["traceparent"] == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.status.is_ok is not failed
    assert len(flights) == 0


def test_with_nothing_recorded_a_message_has_its_rows_place_or_none() -> None:
    flights = Flights("probe")
    assert flights.begin([row(PARENT)])[7].headers["traceparent"] == PARENT
    assert "traceparent" not in flights.begin([row(None)])[7].headers


class Frozen(SpanExporter):
    """A collector that takes nothing."""

    def export(self, _batch: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE


def lost(outcome: str) -> float:
    return float(tracing_export.spans.labels(outcome)._value.get())


def test_what_the_queue_does_not_hold_and_the_collector_does_not_take_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    full, refused = lost("queue_full"), lost("refused")
    queue = Queue(Frozen())
    monkeypatch.setattr(queue._batch_processor._worker_awaken, "set", lambda: None)  # nobody wakes it
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(queue)
    for number in range(6):
        provider.get_tracer("test").start_span(str(number)).end()
    assert lost("queue_full") == full + 2
    queue.force_flush()
    assert lost("refused") == refused + 4
    provider.get_tracer("test").start_span("7").end()
    assert lost("queue_full") == full + 2, "there is room again"
    monkeypatch.undo()
    provider.shutdown()


def test_nothing_is_loaded_where_nothing_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.setattr(tracing_export, "_provider", lambda *_: pytest.fail("recorded without an endpoint"))
    with tracing_export.exporting("probe", "worker"):
        pass
