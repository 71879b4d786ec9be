"""In which order the parts of an installation get another version: read off its own compose file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from graphlib import TopologicalSorter
from typing import Any, Final

from deploy.operating.installation import OperationError

_TARGET: Final = re.compile(r"//(?:/)?([a-z0-9-]+):\d+$")
"""A service in another's environment: `dns:///vouchers-grpc:50051`."""
_BEHIND_QUEUES: Final = frozenset({"worker", "relay", "deliver", "bridge"})
_AT_ONCE: Final = 3
"""So many start at the same time: more would take the processors from those that serve."""
SERVERS: Final = "servers"


class How(Enum):
    """How the containers of a service get another version."""

    BESIDE = auto()
    """New ones are started beside the old ones, which end when the new ones do their work."""
    CALLED = auto()
    """The same, and whoever calls the old ones must have found the new ones first."""
    PROXIED = auto()
    """The same, and the proxy must have."""
    REPLACED = auto()
    """The old one ends first: a published port, or what is of no version's making, cannot be had twice."""


@dataclass(frozen=True, slots=True)
class Process:
    """A service of the compose file that runs an image of this project."""

    name: str
    image: str
    how: How
    calls: frozenset[str] = frozenset()

    @property
    def gap(self) -> bool:
        """Whether somebody outside notices that it is replaced."""
        return self.how is How.REPLACED and self.name == "gateway"


@dataclass(frozen=True, slots=True)
class Preparation:
    """A service that prepares a server, and ends: it runs at the beginning and at the end of an upgrade."""

    name: str
    image: str
    command: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The Python package in its image: `services.catalogue`."""
        return f"services.{self.image.rpartition('/')[2].partition(':')[0]}"


@dataclass(frozen=True, slots=True)
class Layout:
    """What of an installation has the project's version."""

    version: str
    processes: tuple[Process, ...]
    preparations: tuple[Preparation, ...]

    @property
    def images(self) -> list[str]:
        """All that an upgrade needs."""
        return sorted({each.image for each in self.processes} | {each.image for each in self.preparations})

    @property
    def stages(self) -> list[tuple[Process, ...]]:
        """Those that change together, a few at a time, first those on which others depend.

        What works behind queues comes first: it must know the events that the rest begins to write. Then
        servers before those that call them, so that a new client never meets an old server.
        """
        behind = [each for each in self.processes if each.how is How.BESIDE]
        before = {
            each.name: each for each in self.processes if each.how in {How.CALLED, How.PROXIED} or each.gap
        }
        rest = [each for each in self.processes if each not in behind and each.name not in before]
        sorter = TopologicalSorter(
            {name: {other for other in each.calls if other in before} for name, each in before.items()}
        )
        sorter.prepare()
        levels = [behind]
        while sorter.is_active():
            ready = sorter.get_ready()
            levels.append([before[name] for name in sorted(ready)])
            sorter.done(*ready)
        return [
            tuple(level[first : first + _AT_ONCE])
            for level in (*levels, rest)
            for first in range(0, len(level), _AT_ONCE)
        ]


def layout(now: Mapping[str, Any], then: Mapping[str, Any], version: str) -> Layout:
    """From two answers of `docker compose config --format json`, of which the second has `version`.

    OperationError if the version makes no difference: the compose file does not name it.
    """
    services = then["services"]
    ours = {
        name: each
        for name, each in services.items()
        if each.get("image") and each["image"] != now["services"].get(name, {}).get("image")
    }
    once = {name for name, each in ours.items() if each.get("restart") == "no"}
    if not ours.keys() - once:
        raise OperationError("no service of the compose files has an image of AMBITO_VERSION")
    return Layout(
        version,
        tuple(_process(name, each) for name, each in sorted(ours.items()) if name not in once),
        tuple(
            Preparation(name, ours[name]["image"], tuple(ours[name].get("command") or ()))
            for name in sorted(once)
        ),
    )


def _process(name: str, service: Mapping[str, Any]) -> Process:
    command = (service.get("command") or [name])[0]
    targets = map(_TARGET.search, map(str, (service.get("environment") or {}).values()))
    calls = frozenset(found[1] for found in targets if found)
    if service.get("ports"):
        how = How.REPLACED
    elif command in _BEHIND_QUEUES:
        how = How.BESIDE
    else:
        how = {"grpc": How.CALLED, "gateway": How.PROXIED}.get(command, How.REPLACED)
    return Process(name, service["image"], how, calls)


def named(processes: Iterable[Process]) -> str:
    """Their names in one line."""
    return ", ".join(each.name for each in processes)
