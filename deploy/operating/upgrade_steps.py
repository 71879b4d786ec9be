"""What an upgrade, and the way back, consist of."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from deploy.operating.installation import Installation, OperationError
from deploy.operating.upgrade_plan import SERVERS, Layout, Preparation, Process, layout, named
from deploy.operating.upgrade_roll import Roll
from deploy.operating.upgrade_version import VARIABLE

_NO_VERSION: Final = "no-version"
_TRIES: Final = 3
_BUSY: Final = "run it again"
"""What `migrate` says when it got no lock in its time."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the work that may be repeated."""

    what: str
    do: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Brings an installation to what `then` says."""

    installation: Installation
    then: Layout

    def forth(self, *, hold: bool) -> list[Step]:
        """Expand, roll, and unless it is to `hold`, contract."""
        expand = [
            Step("broker: what is new", partial(self._servers, "--keep-bindings")),
            Step("databases: expand", self._expand),
        ]
        contract = [
            Step("databases: contract, and load the territory", self._contract),
            Step("broker: without what is old", self._servers),
        ]
        return [*expand, *map(self._rolled, self.then.stages), *([] if hold else contract)]

    def back(self) -> list[Step]:
        """The same in the other order: callers before servers, what writes events before what reads them."""
        return [
            Step("databases: nothing contracted", self._expand),
            *map(self._rolled, reversed(self.then.stages)),
            Step("broker: as before", self._servers),
        ]

    def _rolled(self, stage: tuple[Process, ...]) -> Step:
        roll = Roll(self.installation, self.then.version)
        return Step(f"roll: {named(stage)}", partial(roll.stage, stage))

    def _servers(self, *options: str) -> None:
        for each in self.then.preparations:
            if each.name == SERVERS:
                self._run(each.name, *each.command, *options)

    def _expand(self) -> None:
        self._at_once(self._migrate)

    def _migrate(self, preparation: Preparation) -> None:
        arguments = ("-m", preparation.module, "migrate", "--phase", "expand")
        for left in reversed(range(_TRIES)):
            try:
                self._run("--entrypoint", "python", preparation.name, *arguments)
            except OperationError as error:
                if not left or _BUSY not in str(error):
                    raise
            else:
                return

    def _contract(self) -> None:
        self._at_once(lambda each: self._run(each.name))

    def _at_once(self, do: Callable[[Preparation], None]) -> None:
        """With every database."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(do, [each for each in self.then.preparations if each.name != SERVERS]))

    def _run(self, *arguments: str) -> None:
        self.installation.compose(
            "run", "--rm", "--no-deps", "-T", *arguments, environment={VARIABLE: self.then.version}
        )


def layout_of(installation: Installation, version: str = "") -> Layout:
    """What has the project's version, at `version` or else at the one in force."""
    without = _configuration(installation, _NO_VERSION)
    if version:
        return layout(without, _configuration(installation, version), version)
    in_force = layout(without, _configuration(installation), "")
    (found,) = {each.image.rpartition(":")[2] for each in in_force.processes}
    return Layout(found, in_force.processes, in_force.preparations)


def _configuration(installation: Installation, version: str = "") -> dict[str, Any]:
    environment = {VARIABLE: version} if version else {}
    configuration: dict[str, Any] = json.loads(
        installation.compose("config", "--format", "json", environment=environment)
    )
    return configuration
