"""Gathering the circumstances: from Docker Engine, the image `operations`, and this machine."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from docker.errors import DockerException
from docker.models.containers import Container
from requests.exceptions import RequestException

from deploy.containers.facts import PARTS
from deploy.local.layout import ROOT
from deploy.operating.doctor.circumstances import Circumstances, Port, Space
from deploy.operating.installation import Installation, OperationError, service_of
from deploy.operating.loading import LOADING
from deploy.operating.observing import observe
from deploy.operating.processes import instant

_COMPOSE_SECONDS: Final = 20
_COMMAND_SECONDS: Final = 10.0
_DATA: Final = {"postgres": "/var/lib/postgresql/data", "rabbitmq": "/var/lib/rabbitmq"}
"""Servers, and those of a cluster whose names begin so → where their data are."""
_LIMIT: Final = "max-size"
_BOUNDED_DRIVERS: Final = frozenset({"none", "local", "journald", "syslog", "fluentd", "gelf"})
"""They rotate by themselves, or keep nothing on this machine."""


def gather(installation: Installation) -> Circumstances:
    """Everything, in about half a minute. OperationError if Docker Engine does not answer."""
    try:
        engine, ahead = _ask_engine(installation)
        containers = installation.containers(all_states=True)
        backups = Path(os.environ.get("AMBITO_BACKUPS") or ROOT / "deploy" / "backups")
        return Circumstances(
            now=dt.datetime.now(dt.UTC),
            seen=observe(installation, PARTS),
            engine_version=engine["ServerVersion"],
            engine_ahead_seconds=ahead,
            compose_version=_compose_version(),
            ports=[port for each in containers for port in _ports(each)],
            settings={service_of(each): _settings(each) for each in containers},
            log_limits={str(each.name): _log_limit(each) for each in containers},
            outdated=[str(each.name) for each in containers if _is_outdated(installation, each)],
            loaded_at=_loaded_at(containers),
            volumes=dict(_volumes(installation)),
            backups=str(backups),
            newest_backup=newest_backup(backups),
        )
    except (DockerException, RequestException) as error:
        raise OperationError(f"Docker Engine does not answer: {error}") from error


def newest_backup(directory: Path) -> dt.datetime | None:
    """When the newest was taken, by the manifests in it; what is no manifest is passed over."""
    taken = []
    for manifest in directory.glob("*/manifest.json"):
        try:
            at = dt.datetime.fromisoformat(json.loads(manifest.read_text())["taken_at"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        taken.append(at if at.tzinfo else at.replace(tzinfo=dt.UTC))
    return max(taken, default=None)


def _ask_engine(installation: Installation) -> tuple[dict[str, Any], float]:
    before = dt.datetime.now(dt.UTC)
    engine: dict[str, Any] = installation.client.info()
    after = dt.datetime.now(dt.UTC)
    told = dt.datetime.fromisoformat(engine["SystemTime"][:19]).replace(tzinfo=dt.UTC)
    offset = engine["SystemTime"][-6:]
    if offset[0] in "+-":
        told -= dt.datetime.strptime(offset, "%z").utcoffset() or dt.timedelta()
    return engine, (told - before - (after - before) / 2).total_seconds()


def _compose_version() -> str | None:
    try:
        run = subprocess.run(
            ["docker", "compose", "version", "--short"],
            capture_output=True, text=True, timeout=_COMPOSE_SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip()


def _ports(container: Container) -> Iterator[Port]:
    for inner, bindings in (container.attrs["NetworkSettings"]["Ports"] or {}).items():
        for bound in bindings or ():
            yield Port(service_of(container), inner, bound["HostIp"] or "::", int(bound["HostPort"]))


def _settings(container: Container) -> dict[str, str]:
    pairs = (each.partition("=") for each in container.attrs["Config"]["Env"] or ())
    return {name: value for name, _, value in pairs}


def _log_limit(container: Container) -> str | None:
    config = container.attrs["HostConfig"]["LogConfig"]
    if config["Type"] in _BOUNDED_DRIVERS:
        return str(config["Type"])
    limit: str | None = (config["Config"] or {}).get(_LIMIT)
    return limit


def _is_outdated(installation: Installation, container: Container) -> bool:
    if container.status != "running":
        return False
    named = installation.client.images.list(filters={"reference": container.attrs["Config"]["Image"]})
    return bool(named) and container.attrs["Image"] not in {image.id for image in named}


def _loaded_at(containers: list[Container]) -> dt.datetime | None:
    preparing = {f"{service}-prepare" for service in LOADING}
    starts = [
        instant(each.attrs["State"]["StartedAt"]) for each in containers if service_of(each) in preparing
    ]
    known = [start for start in starts if start is not None]
    return min(known) if len(known) == len(preparing) else None


def _volumes(installation: Installation) -> Iterator[tuple[str, Space]]:
    for each in installation.containers():
        service = service_of(each)
        path = next((path for server, path in _DATA.items() if service.startswith(server)), None)
        if path is None:
            continue
        command = ("df", "--block-size=1", "--output=avail,size", path)
        try:
            printed = installation.output_of(each, *command, timeout_seconds=_COMMAND_SECONDS)
        except OperationError:
            continue  # it does not answer, which is found elsewhere
        free, total = printed.splitlines()[-1].split()
        yield service, Space(int(free), int(total))
