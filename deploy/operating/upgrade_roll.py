"""Giving one stage of an installation another version while it works."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from docker.errors import APIError, NotFound
from docker.models.containers import Container

from deploy.operating.installation import Installation, OperationError, health_of, service_of
from deploy.operating.upgrade_plan import How, Process, named

STOP_SECONDS: Final = 30
_HEALTHY_SECONDS: Final = 180.0
_KNOWN_SECONDS: Final = 600.0
"""Clients look for new replicas when a connection ends of age: after GRPC_MAXIMUM_CONNECTION_AGE_SECONDS."""
_PROXY_SECONDS: Final = 5.0
"""The proxy looks for gateways every two seconds (`resolver … valid=2s` in nginx.conf)."""
_LOOK_EVERY_SECONDS: Final = 0.5
_RPC_PORT: Final = 50051
_ESTABLISHED: Final = "01"


@dataclass(frozen=True, slots=True)
class Side:
    """The containers of one process: those that run the image that they are to, and the others."""

    process: Process
    new: tuple[Container, ...]
    old: tuple[Container, ...]


@dataclass(frozen=True, slots=True)
class Roll:
    """Brings processes of an installation to the images of one version.

    Whatever fails, those that worked before work on, and what was begun can be gone on with or taken back.
    """

    installation: Installation
    version: str

    def stage(self, processes: Sequence[Process]) -> None:
        """All of these. OperationError if new containers do not become healthy; they are gone then, and the
        old ones of the stage are as they were.
        """
        due = [side for side in self._sides(processes) if side.old]
        beside = [side for side in due if side.process.how is not How.REPLACED]
        if beside:
            started = self._start(beside)
            self._wait_until_found(started)
            self._end(container for side in started for container in side.old)
        for side in due:
            if side.process.how is How.REPLACED:
                self._up("--wait", "--force-recreate", side.process.name)

    def _sides(self, processes: Sequence[Process]) -> list[Side]:
        images = {each.name: self.installation.client.images.get(each.image).id for each in processes}
        found: dict[str, tuple[list[Container], list[Container]]] = {name: ([], []) for name in images}
        for container in self.installation.containers(*images, all_states=True):
            name = service_of(container)
            found[name][container.attrs["Image"] != images[name]].append(container)
        return [Side(each, tuple(found[each.name][0]), tuple(found[each.name][1])) for each in processes]

    def _start(self, sides: Sequence[Side]) -> list[Side]:
        """As many new containers as there are old ones, all healthy."""
        # Those of an attempt that was broken off: they may never have worked.
        unwell = {each.id for side in sides for each in side.new if not _healthy(each)}
        self._end(each for side in sides for each in side.new if each.id in unwell)
        scale = {}
        for side in sides:
            well = sum(each.id not in unwell for each in side.new)
            scale[side.process.name] = len(side.old) + max(len(side.old), well)
        arguments = [part for name, number in scale.items() for part in ("--scale", f"{name}={number}")]
        processes = [side.process for side in sides]
        try:
            self._up("--no-recreate", *arguments, *scale)
            started = self._sides(processes)
            self._wait_healthy([each for side in started for each in side.new])
        except OperationError:
            self._end(each for side in self._sides(processes) for each in side.new)
            raise
        return started

    def _up(self, *arguments: str) -> None:
        self.installation.compose(
            "up", "--detach", "--no-deps", *arguments, environment={"AMBITO_VERSION": self.version}
        )

    def _wait_healthy(self, containers: Sequence[Container]) -> None:
        deadline = time.monotonic() + _HEALTHY_SECONDS
        while waiting := [each for each in containers if not _healthy(each)]:
            for each in waiting:
                failed = each.attrs["RestartCount"] or each.attrs["State"]["Status"] == "exited"
                if failed or health_of(each) == "unhealthy" or time.monotonic() > deadline:
                    raise OperationError(
                        f"{service_of(each)} of {self.version} does not become healthy. Its last lines:\n"
                        f"{_last_lines(each)}"
                    )
            time.sleep(_LOOK_EVERY_SECONDS)
            for each in waiting:
                each.reload()

    def _wait_until_found(self, sides: Sequence[Side]) -> None:
        """Until whoever used the old containers uses the new ones as well."""
        if any(side.process.how is How.PROXIED for side in sides):
            time.sleep(_PROXY_SECONDS)
        deadline = time.monotonic() + _KNOWN_SECONDS
        called = [side for side in sides if side.process.how is How.CALLED]
        while left := [side for side in called if not self._found(side)]:
            if time.monotonic() > deadline:
                raise OperationError(
                    f"{named(side.process for side in left)}: {_KNOWN_SECONDS:.0f} s after their start, "
                    "not all that call the old containers call the new ones; both run"
                )
            time.sleep(_LOOK_EVERY_SECONDS)

    def _found(self, side: Side) -> bool:
        before = [self._callers(each) for each in side.old if each.status == "running"]
        return all(self._callers(each).issuperset(set().union(*before)) for each in side.new)

    def _callers(self, container: Container) -> set[str]:
        """Addresses with a connection to its gRPC port, as the kernel writes them."""
        sockets = self.installation.output_of(container, "sh", "-c", "cat /proc/net/tcp*")
        rows = [line.split() for line in sockets.splitlines()]
        return {
            row[2].rpartition(":")[0]
            for row in rows
            if row[3] == _ESTABLISHED and int(row[1].rpartition(":")[2], 16) == _RPC_PORT
        }

    def _end(self, containers: Iterable[Container]) -> None:
        """In order, all at the same time."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(_end, containers))


def _healthy(container: Container) -> bool:
    return health_of(container) == "healthy" and not container.attrs["RestartCount"]


def _last_lines(container: Container) -> str:
    return str(container.logs(tail=5).decode(errors="replace").strip())


def _end(container: Container) -> None:
    try:
        container.stop(timeout=STOP_SECONDS)
        container.remove(force=True)
    except NotFound:
        pass
    except APIError as error:
        raise OperationError(f"{container.name} does not end: {error.explanation or error}") from error
