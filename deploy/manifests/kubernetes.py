"""deploy/kubernetes/: the parts as manifests for Kustomize.

`base` has the application. `servers` has PostgreSQL and RabbitMQ, as an example where no operator runs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from deploy.manifests.example import INGRESS, NAMESPACE, overlay
from deploy.manifests.parts import Part, zones
from deploy.manifests.policies import policies
from deploy.manifests.source import DEPLOY
from deploy.manifests.workloads import FILES, RPC_PORT, config_key, workload


def manifests(parts: Iterable[Part]) -> dict[str, list[dict[str, Any]]]:
    """Path below deploy/kubernetes → documents."""
    chosen = list(parts)
    application = [part for part in chosen if part.ours]
    servers = [part for part in chosen if not part.ours]
    return {
        "base/kustomization.yaml": [
            _kustomization(["files", "jobs", "processes", "services", "disruption", "policies"])
        ],
        "base/files.yaml": [_files(application)],
        "base/jobs.yaml": [workload(part) for part in application if part.once],
        "base/processes.yaml": [workload(part) for part in application if not part.once],
        "base/services.yaml": [_service(part) for part in application if part.is_rpc or part.ports],
        "base/disruption.yaml": [_disruption(part) for part in application if not part.once],
        "base/policies.yaml": policies(zones()),
        "servers/kustomization.yaml": [_kustomization(["files", "servers", "services"])],
        "servers/files.yaml": [_files(servers)],
        "servers/servers.yaml": [workload(part) for part in servers],
        "servers/services.yaml": [_service(part) for part in servers],
        "overlays/example/kustomization.yaml": [overlay(chosen)],
        "overlays/example/namespace.yaml": [NAMESPACE],
        "overlays/example/ingress.yaml": [INGRESS],
    }


def _kustomization(resources: list[str]) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{name}.yaml" for name in resources],
    }


def _files(parts: list[Part]) -> dict[str, Any]:
    """What is mounted from this repository."""
    files = sorted(set(chain.from_iterable(part.files.values() for part in parts)))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": FILES if parts[0].ours else f"{FILES}-servers"},
        "data": {config_key(file): (DEPLOY / file).read_text() for file in files},
    }


def _service(part: Part) -> dict[str, Any]:
    """Headless, so that clients find every pod and choose themselves; but for the gateway."""
    ports = {"grpc": RPC_PORT} if part.is_rpc else _ports(part)
    headless = {} if part.ours and part.ports else {"clusterIP": "None"}
    found_early = {} if part.ours else {"publishNotReadyAddresses": True}  # nodes look for each other
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": part.name},
        "spec": headless
        | found_early
        | {
            "selector": {"app.kubernetes.io/name": part.name},
            "ports": [{"name": name, "port": port, "targetPort": port} for name, port in ports.items()],
        },
    }


def _ports(part: Part) -> dict[str, int]:
    if part.ours:
        return {"http": part.ports[0]}
    if part.image.startswith("postgres"):
        return {"postgres": 5432}
    return {"amqp": 5672, "management": 15672, "peers": 25672, "epmd": 4369}


def _disruption(part: Part) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": part.name},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": {"app.kubernetes.io/name": part.name}},
        },
    }
