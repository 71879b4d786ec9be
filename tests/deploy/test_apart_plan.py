"""What `comune apart` makes of the compose files, before it changes anything."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.broker.apart import Group
from deploy.operating.apart_plan import Plan, plan_of
from deploy.operating.installation import OperationError
from services.chassis.partition import Partition

ROOT = Path(__file__).parents[2]


def services(apart: Path, **workers: tuple[str, str]) -> dict[str, Any]:
    """As compose says them: the overlay's mounts, and workers as name → (image, COMUNI)."""
    territory = ROOT / "deploy/data/tradate"
    volumes = [
        {"source": str(territory), "target": "/territory"},
        {"source": str(apart), "target": "/apart.yaml"},
    ]
    return {
        "servers": {"volumes": volumes},
        "vouchers-worker": {"image": "ambito/vouchers:1.2", "command": ["worker"], "environment": None},
        **{
            name: {
                "image": f"registry.example:5000/ambito/{image}:1.2",
                "command": ["worker"],
                "environment": {"COMUNI": comuni},
            }
            for name, (image, comuni) in workers.items()
        },
    }


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    workers = {"tradate-a": ("vouchers", "L319,C273"), "tradate-b": ("catalogue", "C273,L319")}
    return plan_of(services(tmp_path / "apart.yaml", **workers))


def test_a_group_has_the_services_that_have_a_worker_for_just_its_comuni(plan: Plan) -> None:
    group = plan.group_for(["L319", "C273"])
    assert group == Group(comuni=("L319", "C273"), services=("catalogue", "vouchers"))
    assert plan.workers_of(group) == ["tradate-a", "tradate-b"]
    assert plan.apart.groups == ()
    assert plan.group_by_workers("C273").partition == Partition.of("L319", "C273")


def test_without_a_worker_it_says_what_to_add(plan: Plan) -> None:
    with pytest.raises(OperationError, match=r'environment: \{COMUNI: "C300"\}'):
        plan.group_for(["C300"])
    with pytest.raises(OperationError, match="no worker has COMUNI=L319"):
        plan.group_for(["L319"])  # not a part of somebody's group
    with pytest.raises(OperationError, match="C300 is not served apart"):
        plan.group_by_workers("C300")


def test_what_is_no_group_is_refused_with_the_reason(plan: Plan) -> None:
    with pytest.raises(OperationError, match="'L3#19' is not a word"):
        plan.group_for(["L3#19"])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("apart: [{comuni: [Z999]}]", "Z999 is no comune"), ("apart: {", "not YAML")],
)
def test_a_file_that_cannot_be_used_stops_it(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "apart.yaml"
    file.write_text(text)
    with pytest.raises(OperationError, match=complaint):
        plan_of(services(file))


def test_without_the_overlay_nobody_can_be_apart(tmp_path: Path) -> None:
    plain = services(tmp_path / "apart.yaml")
    plain["servers"]["volumes"].pop()
    with pytest.raises(OperationError, match=r"bring it up with --file deploy/compose\.apart\.yaml"):
        plan_of(plain)


def test_the_overlay_has_the_workers_of_its_file_and_they_are_confined_as_the_shared_ones() -> None:
    files = [part for name in ("compose", "compose.apart") for part in ("-f", f"deploy/{name}.yaml")]
    run = subprocess.run(
        ["docker", "compose", *files, "config", "--format", "json"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if run.returncode:
        pytest.skip(f"no Docker Compose: {run.stderr[:200]}")
    found = json.loads(run.stdout)["services"]
    plan = plan_of(found)
    (group,) = plan.apart.groups
    assert plan.group_for(group.comuni).services == group.services
    for own, shared in {
        "tradate-vouchers-worker": "vouchers-worker",
        "tradate-notifications-worker": "notifications-worker",
        "casa-tiglio-deliver": "notifications-deliver",
    }.items():
        differing = {name for name in found[own] if found[own][name] != found[shared].get(name)}
        assert differing <= {"environment", "networks"}
        assert found[own]["networks"].keys() == found[shared]["networks"].keys()
        if own in plan.workers_of(group):  # Prometheus asks for this name
            assert found[own]["networks"]["broker"] == {"aliases": [shared]}
    bridge, deliver = found["casa-tiglio-bridge"], found["notifications-deliver"]
    own_matters = {"environment", "secrets", "networks", "depends_on", "command"}
    assert {name for name in deliver if deliver[name] != bridge[name]} <= own_matters
    assert {secret["source"] for secret in bridge["secrets"]} == {
        "broker-coop-casa-tiglio",
        "casa-tiglio-broker-url",
    }
