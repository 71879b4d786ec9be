"""An installation in which nothing is amiss, to be damaged by tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.broker.topology import SERVICES
from deploy.containers.facts import (
    BrokerFacts,
    CertificateFacts,
    DatabaseFacts,
    DiskFacts,
    Facts,
    LoginFacts,
    QueueFacts,
    SecretFacts,
    TerritoryFacts,
)
from deploy.operating.doctor.circumstances import Circumstances, Port, Space
from deploy.operating.observing import DatabaseState, Observation
from deploy.operating.processes import EXPECTED, Process

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PORTAL = "https://portale.example.it"


def process(service: str, **changes: Any) -> Process:
    """One that has been well for a day."""
    well = Process(
        service=service, container=f"ambito-{service}-1", image="ambito/image:1.2", version="1.2",
        revision="abc", state="running", health="healthy", restarts=0, exit_code=0, killed_for_memory=False,
        since=NOW - timedelta(days=1), runs_once=False,
    )  # fmt: skip
    return replace(well, **changes)


def queue(name: str, **changes: Any) -> QueueFacts:
    """One that is empty."""
    empty: dict[str, Any] = {"name": name, "ready": 0, "unacknowledged": 0, "consumers": 0}
    return QueueFacts(**empty | changes)


def facts(**parts: Any) -> Facts:
    """What the image `operations` says of it; `broker={"alarms": […]}` changes one thing of a part."""
    consumed = [f"{service}.events" for service in SERVICES]
    own = [queue(name, consumers=1) for name in consumed] + [queue(f"{name}.dead") for name in consumed]
    well: dict[str, dict[str, Any]] = {
        "secrets": {
            "directory_mode": 0o700, "missing": [], "faults": {}, "smtp": "smtps://mail.example.it:465",
            "disabled": [],
            "certificate": CertificateFacts(
                names=["portale.example.it"], not_before=NOW - timedelta(days=9),
                not_after=NOW + timedelta(days=60),
            ),
        },
        "broker": {
            "version": "4.0", "alarms": [], "consumed": consumed, "limits": {"coop.aurora": 1000},
            "queues": [*own, queue("coop.aurora", subscriber="aurora")],
            "missing_queues": [], "missing_bindings": [], "unknown_queues": [],
        },
        "databases": {"version": "17", "ahead_seconds": 0.1, "connections": 60, "maximum_connections": 200},
        "logins": {"broker_refuses": {}, "broker_lets_in": [], "database_refuses": {}},
        "territory": {"faults": [], "providers": ["aurora"], "changed_at": NOW - timedelta(days=3)},
        "disk": {"free_bytes": 80 * 10**9, "total_bytes": 200 * 10**9},
    }  # fmt: skip
    models = {
        "secrets": SecretFacts, "broker": BrokerFacts, "databases": DatabaseFacts, "logins": LoginFacts,
        "territory": TerritoryFacts, "disk": DiskFacts,
    }  # fmt: skip
    return Facts(
        **{part: model(**well[part] | parts.get(part, {})) for part, model in models.items()}, unknown={}
    )


def observation(**changes: Any) -> Observation:
    """Everything runs, nothing waits."""
    well = Observation(
        project="ambito",
        processes=[process(service) for service in (*EXPECTED, "postgres", "rabbitmq", "proxy")],
        databases={service: DatabaseState("0002", "0002", "same", 0, 0.0) for service in SERVICES},
        due_seconds={"webhook": 0.0, "email": 0.0},
        facts=facts(),
    )
    return replace(well, **changes)


def circumstances(**changes: Any) -> Circumstances:
    """Published with TLS, backed up, loaded."""
    deliver = {"PORTAL_URL": PORTAL, "MAIL_FROM": "Portale <portale@example.it>"}
    well = Circumstances(
        now=NOW,
        seen=observation(),
        engine_version="27.1.0",
        compose_version="2.29.0",
        engine_ahead_seconds=0.2,
        ports=[
            Port("proxy", "8443/tcp", "0.0.0.0", 443),  # noqa: S104 - as Docker Engine shows it
            Port("proxy", "8080/tcp", "0.0.0.0", 80),  # noqa: S104
            Port("rabbitmq", "5671/tcp", "0.0.0.0", 5671),  # noqa: S104
        ],
        settings={
            "proxy": {},
            "gateway": {"TRUSTED_PROXIES": "*", "REQUESTS_PER_MINUTE": "6000"},
            "notifications-deliver": deliver,
        },
        log_limits={"ambito-gateway-1": "10m"},
        loaded_at=NOW - timedelta(days=2),
        volumes={"postgres": Space(50 * 10**9, 100 * 10**9)},
        backups="/srv/backups",
        newest_backup=NOW - timedelta(hours=3),
    )
    return replace(well, **changes)
