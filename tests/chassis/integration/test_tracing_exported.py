"""Spans of real processes: what a collector gets of them, and what one that is gone does to them: nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from services.chassis import tracing
from tests.chassis.integration.conftest import NAMES, Probe, Process
from tests.chassis.probe.events import DONE, event
from tests.support.collector import Collector
from tests.support.polling import eventually

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_TRACES_SAMPLER": "parentbased_always_on"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    started = Collector().start()
    yield started
    started.close()


@pytest.fixture
def frozen() -> Iterator[str]:
    """The URL of a collector that takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_an_event_from_its_request_to_its_effect_is_one_trace(probe: Probe, collector: Collector) -> None:
    environment = SOON | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    probe.start_relay(**environment)
    probe.start_worker(**environment)
    with tracing.start_from(None):
        trace, request = tracing.current_trace_id(), tracing.current_traceparent()
        probe.commit(event())
    assert request is not None
    names = {
        f"publish {NAMES.exchange}.public": "PRODUCER",
        f"process {NAMES.queue}": "CONSUMER",
        DONE: "INTERNAL",
    }

    def whole() -> bool:
        assert {span["name"] for span in collector.spans if span["trace"] == trace} >= names.keys()
        return True

    eventually(whole)
    spans = {span["name"]: span for span in collector.spans if span["trace"] == trace}
    assert {name: spans[name]["kind"] for name in names} == names
    publish, process, handle = (spans[name] for name in names)
    assert publish["parent"] == request.split("-")[2]
    assert (process["parent"], handle["parent"]) == (publish["id"], process["id"])
    used = [each for each in collector.spans if each["parent"] == handle["id"]]
    assert {each["kind"] for each in used} == {"CLIENT"}, "the handler's transactions"
    assert {publish["service"], process["service"]} == {"probe-relay", "probe-worker"}
    assert [each for each in collector.spans if each["trace"] != trace] == [], (
        "jobs and polling record nothing"
    )


def test_a_worker_whose_collector_is_frozen_works_on_counts_and_ends_in_time(
    probe: Probe, frozen: str
) -> None:
    worker = probe.start_worker(**SOON, OTEL_EXPORTER_OTLP_ENDPOINT=frozen, OTEL_EXPORTER_OTLP_TIMEOUT="1")
    happened = [event(subject=str(number)) for number in range(20)]
    probe.publish(*happened)
    handled = f'events_handled_total{{outcome="done",type="{DONE}"}}'
    eventually(lambda: worker.metric(handled) == len(happened))
    eventually(lambda: _refused(worker) > 0, timeout_seconds=20)
    assert worker.health() == 200
    assert worker.terminate() == 0, worker.output


def _refused(worker: Process) -> float:
    return worker.metric('trace_spans_total{outcome="refused"}') or 0
