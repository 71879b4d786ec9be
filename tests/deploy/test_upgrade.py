"""What `python -m deploy upgrade` works out before it does anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.operating.backups.manifest import NAME, Manifest, Postgres
from deploy.operating.installation import OperationError
from deploy.operating.upgrade_checks import backup_amiss
from deploy.operating.upgrade_plan import How, Layout, layout
from deploy.operating.upgrade_version import write_version

SERVICES: dict[str, dict[str, Any]] = {
    "postgres": {"image": "postgres:17"},
    "proxy": {"image": "nginx:1-alpine", "ports": [{"target": 443}]},
    "servers": {"image": "a/operations:{}", "restart": "no"},
    "depot-prepare": {"image": "a/depot:{}", "restart": "no"},
    "depot-relay": {"image": "a/depot:{}", "command": ["relay"]},
    "depot-worker": {"image": "a/depot:{}", "command": ["worker"]},
    "depot-grpc": {"image": "a/depot:{}", "command": ["grpc"]},
    "fleet-grpc": {
        "image": "a/fleet:{}",
        "command": ["grpc"],
        "environment": {"DEPOT_TARGET": "dns:///depot-grpc:50051", "MAIL_FROM": "a <b@c.example>"},
    },
    "gateway": {
        "image": "a/gateway:{}",
        "environment": {"D": "dns:///depot-grpc:50051", "F": "dns:///fleet-grpc:50051"},
    },
    "mail": {"image": "a/demo:{}", "command": ["aiosmtpd"]},
}


def configuration(version: str, **changes: dict[str, Any]) -> dict[str, Any]:
    services = {name: SERVICES.get(name, {}) | changes.get(name, {}) for name in SERVICES | changes}
    return {
        "services": {
            name: each | {"image": str(each["image"]).format(version)} for name, each in services.items()
        }
    }


def planned(**changes: dict[str, Any]) -> Layout:
    return layout(configuration("1", **changes), configuration("2", **changes), "2")


def test_consumers_come_first_and_servers_before_those_that_call_them() -> None:
    stages = [[each.name for each in stage] for stage in planned().stages]
    assert stages == [["depot-relay", "depot-worker"], ["depot-grpc"], ["fleet-grpc"], ["gateway"], ["mail"]]


def test_few_start_at_the_same_time() -> None:
    workers = {f"depot-worker-{number}": SERVICES["depot-worker"] for number in range(6)}
    assert max(len(stage) for stage in planned(**workers).stages) == 3


def test_what_has_not_the_projects_version_is_left_alone() -> None:
    found = planned()
    assert {each.name for each in found.processes}.isdisjoint({"postgres", "proxy"})
    assert [(each.name, each.image) for each in found.preparations] == [
        ("depot-prepare", "a/depot:2"),
        ("servers", "a/operations:2"),
    ]
    assert found.preparations[0].module == "services.depot"
    with pytest.raises(OperationError, match="AMBITO_VERSION"):
        layout(configuration("1"), configuration("1"), "1")


def test_a_gateway_that_is_published_cannot_change_without_a_gap() -> None:
    def how(found: Layout) -> tuple[How, bool]:
        [gateway] = [each for each in found.processes if each.name == "gateway"]
        return gateway.how, gateway.gap

    assert how(planned()) == (How.PROXIED, False)
    assert how(planned(gateway={"ports": [{"target": 8000}]})) == (How.REPLACED, True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "AMBITO_VERSION=2\n"),
        ("HTTP_BIND=1", "HTTP_BIND=1\nAMBITO_VERSION=2\n"),
        ("AMBITO_VERSION=1\nHTTP_BIND=1\n", "AMBITO_VERSION=2\nHTTP_BIND=1\n"),
        ("# AMBITO_VERSION=0\nexport AMBITO_VERSION = 1\n", "# AMBITO_VERSION=0\nAMBITO_VERSION=2\n"),
    ],
)
def test_the_version_is_written_and_all_else_stays(tmp_path: Path, before: str | None, after: str) -> None:
    file = tmp_path / ".env"
    if before is not None:
        file.write_text(before)
        file.chmod(0o600)
    write_version(file, "2")
    assert file.read_text() == after
    assert file.stat().st_mode & 0o777 == (0o644 if before is None else 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_a_backup_is_asked_for_by_its_age(tmp_path: Path) -> None:
    def backup(hours_ago: int) -> None:
        begun_at = datetime.now(UTC) - timedelta(hours=hours_ago)
        server = Postgres(version="17.2", major=17)
        nothing: dict[str, Any] = {key: {} for key in ("images", "databases", "queues", "keys", "files")}
        made = Manifest(project="p", begun_at=begun_at, data_until=begun_at, postgres=server, **nothing)
        directory = tmp_path / f"{begun_at:%Y%m%dT%H%M%SZ}"
        directory.mkdir()
        (directory / NAME).write_text(made.model_dump_json())

    assert "there is none" in backup_amiss(tmp_path, timedelta(hours=2))[0]
    backup(3)
    assert "the newest is of" in backup_amiss(tmp_path, timedelta(hours=2))[0]
    assert backup_amiss(tmp_path, timedelta(hours=4)) == []
    backup(0)
    assert backup_amiss(tmp_path, timedelta(hours=2)) == []
