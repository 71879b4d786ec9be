"""deploy/stack.yaml: the parts as a stack of Docker Swarm."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from deploy.manifests.parts import Part, secret_files, zones
from deploy.manifests.source import DEPLOY

SECRETS: Final = "${AMBITO_SECRETS:-./secrets}"
_READABLE: Final = 0o444
_EXECUTABLE: Final = 0o555
_PUBLISHED: Final = {
    ("proxy", 8443): "${HTTPS_PORT:-443}",
    ("proxy", 8080): "${HTTP_PORT:-80}",
    ("rabbitmq", 5671): "${AMQPS_PORT:-5671}",
    ("rabbitmq-2", 5671): "${AMQPS_PORT_2:-5671}",
    ("rabbitmq-3", 5671): "${AMQPS_PORT_3:-5671}",
}
_LOGGING: Final = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "4"}}


def stack(parts: Iterable[Part]) -> dict[str, Any]:
    """What `docker stack deploy` reads."""
    chosen = list(parts)
    files = sorted({file for part in chosen for file in part.files.values()})
    return {
        "services": {part.name: _service(part) for part in chosen},
        "networks": {name: _network(zone) for name, zone in zones().items()},
        "volumes": {name: {} for part in chosen for name in part.volumes.values()},
        # A secret is never changed, but followed by another: AMBITO_SECRETS_VERSION.
        "secrets": {
            name: {"name": _versioned(name), "file": f"{SECRETS}/{file}"}
            for name, file in secret_files(chosen).items()
        },
        "configs": {_config(file): {"name": _digested(file), "file": f"./{file}"} for file in files},
    }


def _service(part: Part) -> dict[str, Any]:
    service: dict[str, Any] = {
        "image": part.image,
        "entrypoint": list(part.entrypoint),
        "command": list(part.command),
        "hostname": part.hostname,
        "user": part.user,
        "environment": dict(part.environment),
        "networks": list(part.networks),
        "ports": [_port(part.name, port) for port in part.ports],
        "secrets": [
            {"source": name, "target": target, "mode": _READABLE} for target, name in part.secrets.items()
        ],
        "configs": [_mounted(target, file) for target, file in part.files.items()],
        "volumes": _volumes(part),
        "healthcheck": _healthcheck(part),
        "read_only": part.read_only,
        "cap_drop": ["ALL"],
        "cap_add": list(part.capabilities),
        "stop_signal": part.stop_signal,
        "stop_grace_period": f"{part.stop_grace_seconds}s",
        "logging": _LOGGING,
        "deploy": _deploy(part),
    }
    return {name: value for name, value in service.items() if value not in ("", [], {}, False)}


def _healthcheck(part: Part) -> dict[str, Any]:
    """Swarm lets others find by name what is well only, and nodes get well by finding each other."""
    return {"disable": True} if part.image.startswith("rabbitmq") else dict(part.healthcheck)


def _deploy(part: Part) -> dict[str, Any]:
    limits = {"memory": f"{part.memory_mebibytes}M", "pids": part.pids}
    if part.once:
        # Until it succeeds: what it needs may not be there yet.
        again = {"condition": "on-failure", "delay": "5s", "max_attempts": 60}
        return {
            "mode": "replicated-job",
            "replicas": 1,
            "restart_policy": again,
            "resources": {"limits": limits},
        }
    common = {
        "endpoint_mode": "dnsrr",  # clients choose among all that are well
        "restart_policy": {"condition": "any", "delay": "2s"},
        "resources": {"limits": limits},
    }
    one_by_one = {"parallelism": 1, "monitor": "20s"}
    if part.ours:
        return common | {
            "replicas": "${AMBITO_REPLICAS:-2}",
            "placement": {"preferences": [{"spread": "node.id"}]},
            "update_config": one_by_one | {"order": "start-first", "failure_action": "rollback"},
            "rollback_config": one_by_one | {"order": "start-first"},
        }
    stopping_first = {"update_config": one_by_one | {"order": "stop-first", "failure_action": "pause"}}
    if not part.volumes:
        return common | stopping_first | {"mode": "global"}  # a port of each machine is its own
    # Its data are on one machine.
    placed = {"constraints": [f"node.labels.ambito.{part.name} == yes"]}
    return common | stopping_first | {"replicas": 1, "placement": placed}


def _port(name: str, target: int) -> dict[str, Any]:
    """Of the machine itself: what comes in shows from where."""
    return {"target": target, "published": _PUBLISHED[name, target], "protocol": "tcp", "mode": "host"}


def _mounted(target: str, file: str) -> dict[str, Any]:
    executable = (DEPLOY / file).stat().st_mode & 0o100
    return {"source": _config(file), "target": target, "mode": _EXECUTABLE if executable else _READABLE}


def _volumes(part: Part) -> list[dict[str, Any]]:
    """Also what Compose calls tmpfs and shm_size, which a stack knows by another name only."""
    found: list[dict[str, Any]] = [
        {"type": "volume", "source": name, "target": target} for target, name in part.volumes.items()
    ]
    if part.read_only:
        found.append({"type": "tmpfs", "target": "/tmp"})  # noqa: S108 - in the container
    if size := part.shared_memory_mebibytes:
        found.append({"type": "tmpfs", "target": "/dev/shm", "tmpfs": {"size": size * 1024 * 1024}})  # noqa: S108
    return found


def _network(zone: Mapping[str, Any]) -> dict[str, Any]:
    return {"driver": "overlay", "internal": bool(zone.get("internal"))}


def _config(file: str) -> str:
    return file.replace("/", "-")


def _digested(file: str) -> str:
    """A config is never changed either; its name, of at most 64 characters, says what is in it."""
    digest = hashlib.sha256((DEPLOY / file).read_bytes()).hexdigest()[:12]
    return f"${{AMBITO_STACK:-ambito}}-{file.rpartition('/')[2]}-{digest}"


def _versioned(name: str) -> str:
    return f"${{AMBITO_STACK:-ambito}}-{name}-${{AMBITO_SECRETS_VERSION:-1}}"
