"""What Swarm and Kubernetes are told is what the compose files say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.manifests import source
from deploy.manifests.files import generated, stale, write
from deploy.manifests.parts import Part, parts, zones
from deploy.manifests.source import DEPLOY

KUBERNETES = DEPLOY / "kubernetes"
OLDEST, NEWEST = "1.31", "1.37"
KUSTOMIZATION = "Kustomization"


@pytest.fixture(scope="module")
def compose() -> dict[str, Part]:
    return {part.name: part for part in parts()}


@pytest.fixture(scope="module")
def compose_with_tls() -> dict[str, Part]:
    return {part.name: part for part in parts(files=source.CLUSTER_WITH_TLS)}


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "stack.yaml").read_text()))


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    """Of base, servers and the example."""
    return [
        each for file in sorted(KUBERNETES.rglob("*.yaml")) for each in yaml.safe_load_all(file.read_text())
    ]


def of_kind(documents: list[dict[str, Any]], *kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in documents if each["kind"] in kinds}


def labels_of(documents: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Those of each workload's pods."""
    return {
        name: each["spec"]["template"]["metadata"]["labels"] for name, each in workloads(documents).items()
    }


def workloads(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return of_kind(documents, "Deployment", "StatefulSet", "Job")


def test_the_files_are_those_that_the_compose_files_make() -> None:
    assert stale(generated()) == []


def test_a_file_that_was_changed_by_hand_is_made_again_and_one_that_is_no_longer_made_goes(
    tmp_path: Path,
) -> None:
    wanted = generated()
    assert write(wanted, tmp_path) == sorted(wanted)
    assert stale(wanted, tmp_path) == []
    (tmp_path / "stack.yaml").write_text("services: {}\n")
    former = tmp_path / "kubernetes" / "base" / "former.yaml"
    former.write_text(wanted["kubernetes/base/jobs.yaml"])
    assert write(wanted, tmp_path) == ["kubernetes/base/former.yaml", "stack.yaml"]
    assert stale(wanted, tmp_path) == []
    assert not former.exists()


def test_what_an_overlay_says_is_laid_over_what_stands_below(tmp_path: Path) -> None:
    below, above = tmp_path / "below.yaml", tmp_path / "above.yaml"
    below.write_text(
        "services: {a: {image: i, command: [one, two], environment: {X: '1', Y: '2'}, ports: ['1:1'],"
        " volumes: ['${DIR:-./d}:/d:ro', 'v:/v']}}"
    )
    above.write_text(
        "services: {a: {command: [three], environment: {Y: '3'}, ports: !override ['2:2'],"
        " volumes: ['w:/v']}, b: {extends: {file: below.yaml, service: a}, image: j}}"
    )
    merged = source.read(below, above)["services"]
    assert merged["a"] == {
        "image": "i",
        "command": ["three"],
        "environment": {"X": "1", "Y": "3"},
        "ports": ["2:2"],
        "volumes": ["${DIR:-./d}:/d:ro", "w:/v"],
    }
    assert merged["b"]["image"] == "j"
    assert merged["b"]["command"] == ["one", "two"]


def test_every_part_is_in_the_stack_with_its_own_networks_and_secrets(
    stack: dict[str, Any], compose_with_tls: dict[str, Part]
) -> None:
    compose = compose_with_tls
    assert stack["services"].keys() == compose.keys()
    for name, service in stack["services"].items():
        assert service["networks"] == list(compose[name].networks), name
        mounted = {each["target"]: each["source"] for each in service.get("secrets", ())}
        assert mounted == dict(compose[name].secrets), name


def test_what_a_stack_names_is_in_it(stack: dict[str, Any]) -> None:
    for name, service in stack["services"].items():
        assert set(service["networks"]) <= stack["networks"].keys(), name
        assert {each["source"] for each in service.get("secrets", ())} <= stack["secrets"].keys(), name
        assert {each["source"] for each in service.get("configs", ())} <= stack["configs"].keys(), name
        kept = {each["source"] for each in service.get("volumes", ()) if each["type"] == "volume"}
        assert kept <= stack["volumes"].keys(), name
    for config in stack["configs"].values():
        assert (DEPLOY / config["file"]).exists()


def test_networks_of_a_stack_lead_out_where_those_of_compose_do(stack: dict[str, Any]) -> None:
    leading = {name for name, network in stack["networks"].items() if not network["internal"]}
    assert leading == {name for name, zone in zones().items() if not zone.get("internal")}


def test_only_what_has_tls_is_published_by_a_stack(stack: dict[str, Any]) -> None:
    published = {
        (name, port["target"]) for name, each in stack["services"].items() for port in each.get("ports", ())
    }
    nodes = {(name, 5671) for name in ("rabbitmq", "rabbitmq-2", "rabbitmq-3")}
    assert published == nodes | {("proxy", 8443), ("proxy", 8080)}


def test_processes_of_a_stack_are_replaced_one_by_one_and_come_back_to_the_old_version(
    stack: dict[str, Any], compose_with_tls: dict[str, Part]
) -> None:
    compose = compose_with_tls
    for name, service in stack["services"].items():
        limits = service["deploy"]["resources"]["limits"]
        assert limits["memory"]
        assert limits["pids"]
        assert service["cap_drop"] == ["ALL"]
        if compose[name].ours:
            assert service["read_only"]
        if compose[name].ours and not compose[name].once:
            update = service["deploy"]["update_config"]
            assert (update["parallelism"], update["order"], update["failure_action"]) == (
                1,
                "start-first",
                "rollback",
            )


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_manifest_keeps_to_the_schema(documents: list[dict[str, Any]], version: str) -> None:
    manifests = [each for each in documents if each["kind"] != KUSTOMIZATION]
    assert len(manifests) > 50
    for each in manifests:
        kubernetes_validate.validate(each, version, strict=True)


def test_a_manifest_with_a_wrong_field_does_not(documents: list[dict[str, Any]]) -> None:
    wrong = of_kind(documents, "Deployment")["gateway"] | {"spec": {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_every_part_is_a_workload_that_may_do_little(
    documents: list[dict[str, Any]], compose: dict[str, Part]
) -> None:
    found = workloads(documents)
    assert found.keys() == compose.keys()
    for name, workload in found.items():
        pod = workload["spec"]["template"]["spec"]
        [container] = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert container["resources"]["limits"]["memory"]
        if compose[name].ours:
            assert pod["securityContext"]["runAsNonRoot"]
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert "add" not in container["securityContext"]["capabilities"]
        if not compose[name].once:
            assert container["readinessProbe"]
            assert container["startupProbe"]


def test_every_secret_and_file_that_a_pod_mounts_is_there(documents: list[dict[str, Any]]) -> None:
    [overlay] = [each for each in documents if "secretGenerator" in each]
    generators = {each["name"]: each["files"] for each in overlay["secretGenerator"]}
    keys = {entry.partition("=")[0] for entry in generators["secrets"]}
    files = {name: set(each["data"]) for name, each in of_kind(documents, "ConfigMap").items()}
    for name, workload in workloads(documents).items():
        pod = workload["spec"]["template"]["spec"]
        volumes = {each["name"]: each for each in pod["volumes"]}
        claims = {each["metadata"]["name"] for each in workload["spec"].get("volumeClaimTemplates", ())}
        if "secrets" in volumes:
            assert {item["key"] for item in volumes["secrets"]["secret"]["items"]} <= keys, name
        for mount in pod["containers"][0]["volumeMounts"]:
            assert mount["name"] in volumes.keys() | claims, f"{name}: {mount}"
            if "subPath" in mount:
                assert mount["subPath"] in files[volumes["files"]["configMap"]["name"]], name


def test_every_address_that_a_process_is_given_is_a_service_with_that_port(
    documents: list[dict[str, Any]],
) -> None:
    services = of_kind(documents, "Service")
    pods = {
        name: each["spec"]["template"]["metadata"]["labels"] for name, each in workloads(documents).items()
    }
    given = 0
    for workload in workloads(documents).values():
        for variable in workload["spec"]["template"]["spec"]["containers"][0].get("env", ()):
            if variable["value"].startswith("dns:///"):
                host, _, port = variable["value"].removeprefix("dns:///").partition(":")
                given += 1
                assert services[host]["spec"]["clusterIP"] == "None"
                assert int(port) in {each["port"] for each in services[host]["spec"]["ports"]}
    assert given >= 5
    for name, service in services.items():
        assert service["spec"]["selector"].items() <= pods[name].items()


def test_kustomizations_name_every_file_beside_them(documents: list[dict[str, Any]]) -> None:
    for file in KUBERNETES.rglob("kustomization.yaml"):
        listed = set(yaml.safe_load(file.read_text())["resources"])
        assert listed >= {each.name for each in file.parent.glob("*.yaml")} - {"kustomization.yaml"}
        assert all((file.parent / each).exists() for each in listed)
    assert documents


def test_pods_may_reach_exactly_what_shares_a_network_in_compose(
    documents: list[dict[str, Any]], compose: dict[str, Part]
) -> None:
    labels = labels_of(documents)
    policies = [each["spec"] for each in of_kind(documents, "NetworkPolicy").values()]
    allowed = {
        (one, other)
        for one, other in permutations(labels, 2)
        if any(matches(rule, labels[other]) for rule in rules(policies, "egress", labels[one]))
        and any(matches(rule, labels[one]) for rule in rules(policies, "ingress", labels[other]))
    }
    shared = {
        (one, other)
        for one, other in permutations(compose, 2)
        if set(compose[one].networks) & set(compose[other].networks)
    }
    assert allowed == shared
    assert any(not spec["podSelector"] and "ingress" not in spec for spec in policies), "nothing is denied"


def rules(
    policies: list[dict[str, Any]], direction: str, labels: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Those that hold for a pod with these labels."""
    for spec in policies:
        if spec["podSelector"].get("matchLabels", {}).items() <= labels.items():
            yield from spec.get(direction, ())


def matches(rule: dict[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether it lets a pod with these labels through, at any port but that of names."""
    if {each["port"] for each in rule.get("ports", ())} == {53}:
        return False
    peers = rule.get("to", rule.get("from"))
    if peers is None:
        return True
    return any(
        each["podSelector"]["matchLabels"].items() <= labels.items()
        for each in peers
        if "podSelector" in each
    )
