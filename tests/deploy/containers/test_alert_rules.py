"""When alerts begin to ring and when they stop, in Prometheus's own time machine (`promtool test rules`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from docker import DockerClient
from docker.errors import ContainerError

from tests.support.watched import OBSERVABILITY, RULES

# Each alert's series: name, value when all is well (for ten minutes, and after an hour), value when not.
_Q = "rabbitmq_detailed_queue"
SERIES: dict[str, list[tuple[str, float, float]]] = {
    "ProcessDown": [('up{job="processes",service="gateway"}', 1, 0)],
    "OutboxOld": [('outbox_oldest_unpublished_seconds{service="catalogue-relay"}', 2, 61)],
    "NoActiveRelay": [('relay_active{service="catalogue-relay"}', 1, 0)],
    "QueueGrowing": [(_Q + '_messages_ready{queue="vouchers.events"}', 1000, 1001)],
    "QueueWithoutConsumer": [(_Q + '_consumers{queue="vouchers.events"}', 1, 0)],
    "DeadLetters": [(_Q + '_messages_ready{queue="vouchers.events.dead"}', 0, 1)],
    "CooperativeQueueNearlyFull": [(_Q + '_messages_ready{queue="coop.casa-tiglio"}', 80_000, 80_001)],
    "CooperativeReadsNoMore": [(_Q + '_consumers{queue="coop.casa-tiglio"}', 1, 0)],
    "WebhooksFailing": [('webhook_endpoints{state="failing"}', 0, 1)],
    "WebhookEndpointDisabled": [('webhook_endpoints{state="disabled"}', 0, 1)],
    "WebhooksOverdue": [('deliver_oldest_due_seconds{kind="webhook"}', 5, 121)],
    "EmailsOverdue": [('deliver_oldest_due_seconds{kind="email"}', 5, 301)],
    "HeldBookingsOverdue": [("bookings_held_overdue_seconds", 5, 61)],
    "LedgerBroken": [("ledger_faults", 0, 1)],
    "LedgerUnverified": [("ledger_pass_timestamp_seconds", 0, -200_000)],  # its time begins at 0
    "FiguresDiffer": [("seat_differences", 0, 1), ("ledger_differences", 0, 0)],
    "BudgetNearlyUsedUp": [
        ('budget_cents{comune="L319",fund="f",year="2026",what="committed",instance="a"}', 90, 91),
        ('budget_cents{comune="L319",fund="f",year="2026",what="allocated",instance="a"}', 100, 100),
    ],
    "PostgresDown": [("postgres_up", 1, 0)],
    "PostgresConnections": [("postgres_connections", 80, 81), ("postgres_connections_limit", 100, 100)],
    "BrokerDown": [('up{job="rabbitmq"}', 1, 0)],
    "BrokerAlarm": [
        ("rabbitmq_alarms_memory_used_watermark", 0, 0),
        ("rabbitmq_alarms_free_disk_space_watermark", 0, 1),
    ],
    "BrokerDiskLow": [
        ("rabbitmq_disk_space_available_bytes", 3e9, 2.9e9),
        ("rabbitmq_disk_space_available_limit_bytes", 1e9, 1e9),
    ],
    "CertificateExpires": [('certificate_expires_timestamp_seconds{endpoint="proxy:8443"}', 1e7, 1e6)],
    "NoBackup": [("backup_newest_timestamp_seconds", 0, -100_000)],
}
_LAPSED = 'outbox_published_total{type="ambito.catalogue.booking.lapsed.v1",area="L319"}'
_FAILED = 'job_turns_total{service="vouchers-worker",name="vouchers.ledger",outcome="failed"}'
# Those that look at growth: series as promtool writes them, when they are silent, when they ring.
GROWTH: dict[str, tuple[dict[str, str], list[int], list[int]]] = {
    "ProcessRestarting": (
        {'process_start_time_seconds{job="processes",service="gateway"}': "0x9 1 2 3 4x90"},
        [9, 11, 40],
        [14],
    ),
    "JobFailing": ({_FAILED: "0x9 1 2 3 4x90"}, [9, 11, 60], [15]),
    "BookingsLapsing": ({_LAPSED: "0x9 0+2x5 10x90"}, [9, 11, 40], [16]),
    "SpansDropped": (
        {'trace_spans_total{service="gateway",outcome="queue_full"}': "0x9 0+9x30 270x90"}, [9, 15, 60], [25],
    ),
    # A burst that is over rings no more, although the hour remembers it.
    "GatewayErrors": (
        {
            'gateway_requests_total{status="200"}': "0+100x120",
            'gateway_requests_total{status="503"}': "0x9 0+50x10 500x120",
        },
        [9, 11, 40],
        [15],
    ),
    "GatewaySlow": (
        {
            'gateway_request_seconds_bucket{le="1"}': "0+100x9 900x20 900+100x90",
            'gateway_request_seconds_bucket{le="2.5"}': "0+100x120",
            'gateway_request_seconds_bucket{le="+Inf"}': "0+100x120",
        },
        [9, 12, 60],
        [25],
    ),
}  # fmt: skip


def minutes(rule: dict[str, Any]) -> float:
    """How long the condition must hold."""
    text = str(rule.get("for", "0m"))
    return float(text[:-1]) / {"s": 60, "m": 1}[text[-1]]


def expectation(alert: str, minute: float, ringing: bool) -> dict[str, Any]:
    service = ',service="gateway"' if alert == "ProcessDown" else ""
    service = ',service="catalogue-relay"' if alert == "NoActiveRelay" else service
    return {
        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"{service}}})',
        "eval_time": f"{round(minute * 60)}s",
        "exp_samples": [{"labels": "{}", "value": 1}] if ringing else [],
    }


def expected(alert: str) -> Sequence[tuple[float, bool]]:
    """Minutes, and whether it rings then."""
    if alert in GROWTH:
        _, silent, ringing = GROWTH[alert]
        return [(minute, False) for minute in silent] + [(minute, True) for minute in ringing]
    patience = minutes(RULES[alert])
    early = [(10 + patience - 0.5, False)] if patience else []
    return [(9, False), *early, (10 + patience + 1, True), (62, False)]


def series() -> dict[str, str]:
    """All in one world: an alert may hear nothing of what is another's."""
    steps = {
        name: f"{well}x9 {not_well}x49 {well}x30" for each in SERIES.values() for name, well, not_well in each
    }
    return steps | {name: values for each, _, _ in GROWTH.values() for name, values in each.items()}


def test_alerts_ring_in_time_and_stop(docker_engine: DockerClient, tmp_path: Path) -> None:
    assert SERIES.keys() | GROWTH.keys() == RULES.keys()
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series().items()],
        "promql_expr_test": [expectation(alert, *each) for alert in RULES for each in expected(alert)],
    }
    tests = {"rule_files": ["/etc/ambito/alerts.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(tests))
    promtool(docker_engine, tmp_path, "test", "rules", "/tests/tests.yaml")


def test_what_prometheus_is_given_it_understands(docker_engine: DockerClient, tmp_path: Path) -> None:
    promtool(docker_engine, tmp_path, "check", "config", "/etc/ambito/prometheus.yaml")


def promtool(engine: DockerClient, directory: Path, *arguments: str) -> None:
    try:
        engine.containers.run(
            "prom/prometheus:latest",
            list(arguments),
            entrypoint="promtool",
            volumes=[f"{OBSERVABILITY}:/etc/ambito:ro", f"{directory}:/tests:ro"],
            network_mode="none",
            remove=True,
        )
    except ContainerError as error:
        pytest.fail(str(error)[-4000:])
