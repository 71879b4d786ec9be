"""The services of the model, each as what it needs of whatever engine runs it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.broker.topology import SERVICES, cooperative_user
from deploy.containers.disabled import FILE as DISABLED
from deploy.containers.secrets import WATCH
from deploy.manifests.source import CLUSTER, DEPLOY, bind_of, read
from services.contracts.territory import Territory, read_territory

IMAGE_PREFIX: Final = "${AMBITO_IMAGES:-ambito}/"
TERRITORY: Final = DEPLOY / "data" / "tradate"
_MEBIBYTES: Final = {"m": 1, "g": 1024}
_SECRETS_DIRECTORY: Final = "/secrets"


@dataclass(frozen=True, slots=True)
class Part:
    """One service of the compose files."""

    name: str
    image: str
    entrypoint: Sequence[str]
    """Empty: the image's own."""
    command: Sequence[str]
    environment: Mapping[str, str]
    networks: Sequence[str]
    secrets: Mapping[str, str]
    """Path in the container → name."""
    files: Mapping[str, str]
    """Path in the container → path below deploy/."""
    volumes: Mapping[str, str]
    """Path in the container → name; data that stay."""
    ports: Sequence[int]
    """Published."""
    healthcheck: Mapping[str, Any]
    capabilities: Sequence[str]
    hostname: str
    user: str
    stop_signal: str
    read_only: bool
    memory_mebibytes: int
    pids: int
    stop_grace_seconds: int
    shared_memory_mebibytes: int
    once: bool

    @property
    def ours(self) -> bool:
        """A process of the application, not a server that others wrote."""
        return self.image.startswith(IMAGE_PREFIX)

    @property
    def is_rpc(self) -> bool:
        return self.name.endswith("-grpc")


def parts(folder: Path = TERRITORY, files: Sequence[Path] = CLUSTER) -> list[Part]:
    """Everything but the tools, in the order of the files, for the territory in `folder`, below deploy/."""
    territory = read_territory(folder)
    services: dict[str, dict[str, Any]] = read(*files)["services"]
    return [
        _part(name, each, territory, folder) for name, each in services.items() if not each.get("profiles")
    ]


def zones() -> dict[str, Mapping[str, Any]]:
    """Each network, as the files have it."""
    return dict(read(*CLUSTER)["networks"])


def secret_files(mounting: Iterable[Part]) -> dict[str, str]:
    """Name → file in the directory of secrets, of everything that they mount."""
    named = {name: each["file"].rpartition("/")[2] for name, each in read(*CLUSTER)["secrets"].items()}
    used = {name for part in mounting for name in part.secrets.values()}
    return {name: named.get(name, name) for name in sorted(used)}


def _part(name: str, service: Mapping[str, Any], territory: Territory, folder: Path) -> Part:
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {"memory": "256m", "pids": 128})
    mounted = dict(_mounted(service))
    return Part(
        name=name,
        image=service["image"],
        entrypoint=_words(service.get("entrypoint")),
        command=_words(service.get("command")),
        environment={key: str(value) for key, value in service.get("environment", {}).items()},
        networks=service["networks"],
        secrets=dict(map(_secret, service.get("secrets", ())))
        | (_all_secrets(territory) if _SECRETS_DIRECTORY in mounted else {}),
        files=_files(mounted, folder),
        volumes={target: source for target, source in mounted.items() if "/" not in source},
        ports=[int(str(entry).rpartition(":")[2]) for entry in service.get("ports", ())],
        healthcheck=service.get("healthcheck", {}),
        capabilities=[] if service["image"].startswith(IMAGE_PREFIX) else service.get("cap_add", []),
        hostname=service.get("hostname", ""),
        user="" if service["image"].startswith(IMAGE_PREFIX) else service.get("user", ""),
        stop_signal=service.get("stop_signal", ""),
        read_only=bool(service.get("read_only")),
        memory_mebibytes=_mebibytes(limits["memory"]),
        pids=limits["pids"],
        stop_grace_seconds=int(service.get("stop_grace_period", "10s").removesuffix("s")),
        shared_memory_mebibytes=_mebibytes(service.get("shm_size", "0m")),
        once=service.get("restart") == "no",
    )


def _words(given: str | Sequence[str] | None) -> list[str]:
    return shlex.split(given) if isinstance(given, str) else list(given or ())


def _secret(entry: str | Mapping[str, str]) -> tuple[str, str]:
    if isinstance(entry, str):
        return f"/run/secrets/{entry}", entry
    return f"/run/secrets/{entry['target']}", entry["source"]


def _all_secrets(territory: Territory) -> dict[str, str]:
    """What `servers` reads of the directory, which it has whole in Compose."""
    users = [*SERVICES, *(cooperative_user(provider.slug) for provider in territory.providers)]
    databases = [f"database-{name}" for name in (*SERVICES, WATCH)]
    names = ["postgres-admin", "rabbitmq-admin", DISABLED, *databases, *(f"broker-{user}" for user in users)]
    return {f"{_SECRETS_DIRECTORY}/{name}": name for name in names}


def _mounted(service: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(Path in the container, source)."""
    return [(target, source) for source, target in map(bind_of, service.get("volumes", ()))]


def _files(mounted: Mapping[str, str], folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for target, source in mounted.items():
        if source.startswith("./"):
            found[target] = source.removeprefix("./")
        elif source.startswith("${AMBITO_TERRITORY"):
            for file in sorted(folder.glob("*.yaml")):
                found[f"{target}/{file.name}"] = str(file.relative_to(DEPLOY))
    return found


def _mebibytes(given: str) -> int:
    return int(given[:-1]) * _MEBIBYTES[given[-1].lower()]
