"""A part as what runs its pods: a Deployment, a Job, or a StatefulSet for a server."""

from __future__ import annotations

import re
from typing import Any, Final

from deploy.manifests.parts import Part
from deploy.manifests.source import DEPLOY

FILES: Final = "files"
SECRETS: Final = "secrets"
RPC_PORT, OPERATIONS_PORT = 50051, 9100
_USER: Final = 10001
_STORAGE: Final = "20Gi"
_REPLICAS: Final = 2
_READABLE, _EXECUTABLE = 0o444, 0o555
_VARIABLE: Final = re.compile(r"\$\{\w+:-([^${}]*)\}")


def workload(part: Part) -> dict[str, Any]:
    """Named as in the compose files."""
    labels = {"app.kubernetes.io/name": part.name}
    template = {
        "metadata": {"labels": labels | {zone_label(network): "yes" for network in part.networks}},
        "spec": _pod(part),
    }
    named = {"metadata": {"name": part.name}}
    if part.once:
        # Until it succeeds: what it needs may not be there yet.
        spec = {"backoffLimit": 20, "ttlSecondsAfterFinished": 3600, "template": template}
        return {"apiVersion": "batch/v1", "kind": "Job", **named, "spec": spec}
    if part.ours:
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        spec = {"replicas": _REPLICAS, "selector": {"matchLabels": labels}, "strategy": rolling}
        return {"apiVersion": "apps/v1", "kind": "Deployment", **named, "spec": spec | {"template": template}}
    spec = {
        "serviceName": part.name,
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": template,
        "volumeClaimTemplates": [_claim(name) for name in part.volumes.values()],
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", **named, "spec": spec}


def zone_label(network: str) -> str:
    """On the pods that are on it."""
    return f"ambito/zone-{network}"


def config_key(file: str) -> str:
    """A file's name in the ConfigMap."""
    return file.replace("/", "-")


def _pod(part: Part) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "OnFailure" if part.once else "Always",
        "terminationGracePeriodSeconds": part.stop_grace_seconds,
        "securityContext": {
            "seccompProfile": {"type": "RuntimeDefault"},
            **({"runAsNonRoot": True, "runAsUser": _USER, "runAsGroup": _USER} if part.ours else {}),
        },
        **({} if part.once else {"topologySpreadConstraints": [_spread(part)]}),
        "containers": [_container(part)],
        "volumes": _volumes(part),
    }


def _container(part: Part) -> dict[str, Any]:
    container = {
        "name": part.name,
        "image": _plain(part.image),
        "command": list(part.entrypoint),
        "args": list(part.command),
        "env": [{"name": name, "value": _plain(value)} for name, value in _environment(part).items()],
        "ports": [{"name": name, "containerPort": port} for name, port in _ports(part).items()],
        "resources": {
            "requests": {"cpu": "50m", "memory": f"{part.memory_mebibytes // 2}Mi"},
            "limits": {"memory": f"{part.memory_mebibytes}Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": part.ours,
            "capabilities": {"drop": ["ALL"]} | _given("add", list(part.capabilities)),
        },
        "volumeMounts": _mounts(part),
        **_probes(part),
        # It is still asked for a moment after it was told to end.
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}} if _is_asked(part) else {},
    }
    return {name: value for name, value in container.items() if value not in ([], {})}


def _environment(part: Part) -> dict[str, str]:
    # Pods of a StatefulSet are named otherwise than the part, by which others find it.
    named = {
        "postgres": {"SERVER": part.hostname},
        "rabbitmq": {"RABBITMQ_NODENAME": f"rabbit@{part.hostname}"},
    }
    return dict(part.environment) | named.get(part.image.partition(":")[0], {})


def _ports(part: Part) -> dict[str, int]:
    if not part.ours or part.once:
        return {}
    served = {"grpc": RPC_PORT} if part.is_rpc else {"http": part.ports[0]} if part.ports else {}
    return served | {"operations": OPERATIONS_PORT}


def _probes(part: Part) -> dict[str, Any]:
    if part.once:
        return {}
    if not part.ours:
        ready = {"exec": {"command": part.healthcheck["test"][1:]}, "periodSeconds": 5, "timeoutSeconds": 4}
        return {"readinessProbe": ready, "startupProbe": ready | {"failureThreshold": 720}}
    alive, well = (
        {"httpGet": {"path": path, "port": "operations"}, "periodSeconds": 5, "timeoutSeconds": 4}
        for path in ("/health/live", "/health")
    )
    return {
        "startupProbe": alive | {"failureThreshold": 24},
        "livenessProbe": alive | {"failureThreshold": 6},
        "readinessProbe": well,
    }


def _mounts(part: Part) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        {"name": FILES, "mountPath": target, "subPath": config_key(file), "readOnly": True}
        for target, file in part.files.items()
    ]
    mounts += [
        {"name": SECRETS, "mountPath": directory, "readOnly": True}
        for directory in sorted({path.rpartition("/")[0] for path in part.secrets})
    ]
    mounts += [{"name": name, "mountPath": path} for path, name in part.volumes.items()]
    if part.ours:
        mounts.append({"name": "tmp", "mountPath": "/tmp"})  # noqa: S108 - in the container
    if part.shared_memory_mebibytes:
        mounts.append({"name": "shared-memory", "mountPath": "/dev/shm"})  # noqa: S108
    return mounts


def _volumes(part: Part) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = []
    if part.secrets:
        # Only its own, of all that there are.
        items = [{"key": name, "path": path.rpartition("/")[2]} for path, name in part.secrets.items()]
        secret = {"secretName": SECRETS, "defaultMode": _READABLE, "items": items}
        volumes.append({"name": SECRETS, "secret": secret})
    if part.files:
        name = FILES if part.ours else f"{FILES}-servers"
        executable = any((DEPLOY / file).stat().st_mode & 0o100 for file in part.files.values())
        mode = _EXECUTABLE if executable else _READABLE
        volumes.append({"name": FILES, "configMap": {"name": name, "defaultMode": mode}})
    if part.ours:
        volumes.append({"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}})
    if size := part.shared_memory_mebibytes:
        memory = {"medium": "Memory", "sizeLimit": f"{size}Mi"}
        volumes.append({"name": "shared-memory", "emptyDir": memory})
    return volumes


def _claim(name: str) -> dict[str, Any]:
    storage = {"resources": {"requests": {"storage": _STORAGE}}}
    return {"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], **storage}}


def _spread(part: Part) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": part.name}},
    }


def _is_asked(part: Part) -> bool:
    return part.ours and (part.is_rpc or bool(part.ports))


def _given(name: str, value: list[str]) -> dict[str, list[str]]:
    return {name: value} if value else {}


def _plain(value: str) -> str:
    """With the default of each `${NAME:-default}`; an overlay says otherwise."""
    return _VARIABLE.sub(r"\1", value)
