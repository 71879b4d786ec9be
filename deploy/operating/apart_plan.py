"""What an installation's compose files say about comuni that are served apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.broker.apart import SERVICES_APART, Apart, ApartError, Group, read_apart
from deploy.operating.installation import Installation, OperationError
from services.chassis.partition import Partition
from services.contracts.territory import Territory, TerritoryErrors, read_territory

_BLOCK = """\
  {name}-{service}-worker:
    extends: {{file: compose.yaml, service: {service}-worker}}
    environment: {{COMUNI: "{comuni}"}}
    networks: {{broker: {{aliases: [{service}-worker]}}}}"""


@dataclass(frozen=True, slots=True)
class Worker:
    """A compose service: a worker of one of our services that serves some comuni alone."""

    name: str
    service: str
    partition: Partition


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is apart, the file that says so, and the workers that there are for it."""

    file: Path
    territory: Territory
    apart: Apart
    workers: tuple[Worker, ...]

    def group_for(self, comuni: Sequence[str]) -> Group:
        """These comuni, with the services that have a worker for just them. OperationError if none has."""
        partition = _partition(comuni)
        there = {each.service for each in self.workers if each.partition == partition}
        services = tuple(service for service in SERVICES_APART if service in there)
        if not services:
            blocks = (
                _BLOCK.format(name=partition.name.lower(), service=service, comuni=",".join(comuni))
                for service in ("vouchers", "notifications")
            )
            raise OperationError(
                f"no worker has COMUNI={','.join(comuni)}; add to compose.apart.yaml, then repeat it:\n"
                + "\n".join(blocks)
            )
        return Group(comuni=tuple(comuni), services=services)

    def group_by_workers(self, comune: str) -> Group:
        """The comuni with which workers serve this one, although it is apart no more. OperationError if there
        are none.
        """
        for worker in self.workers:
            if comune in worker.partition.words:
                return self.group_for(worker.partition.words)
        raise OperationError(f"{comune} is not served apart")

    def workers_of(self, group: Group) -> list[str]:
        """The compose services that serve the group."""
        return [each.name for each in self.workers if each.partition == group.partition]


def read_plan(installation: Installation) -> Plan:
    """OperationError if the installation was brought up without the overlay, or a file cannot be used."""
    config: dict[str, Any] = json.loads(installation.compose("config", "--format", "json"))
    return plan_of(config["services"])


def plan_of(services: Mapping[str, Any]) -> Plan:
    """From compose's services, as `docker compose config` says them. OperationError as `read_plan`."""
    mounted = {each["target"]: Path(each["source"]) for each in services["servers"]["volumes"]}
    if "/apart.yaml" not in mounted:
        raise OperationError("nobody can be apart: bring it up with --file deploy/compose.apart.yaml as well")
    try:
        territory = read_territory(mounted["/territory"])
        apart = read_apart(mounted["/apart.yaml"], territory)
        workers = tuple(_workers(services))
    except (TerritoryErrors, ApartError, ValueError) as error:
        raise OperationError(str(error)) from error
    return Plan(mounted["/apart.yaml"], territory, apart, workers)


def _workers(services: Mapping[str, Any]) -> list[Worker]:
    found = []
    for name, service in services.items():
        partition = Partition.parse((service.get("environment") or {}).get("COMUNI") or "")
        image = str(service.get("image", "")).rpartition("/")[2].partition(":")[0]
        if partition is not None and image in SERVICES_APART and service.get("command") == ["worker"]:
            found.append(Worker(name, image, partition))
    return found


def _partition(comuni: Sequence[str]) -> Partition:
    try:
        return Group(comuni=tuple(comuni)).partition
    except ValidationError as error:
        raise OperationError("; ".join(part["msg"] for part in error.errors())) from error
