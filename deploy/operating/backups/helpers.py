"""Containers of PostgreSQL's own image that work on a copy of the databases and are gone afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from docker.errors import APIError, NotFound
from docker.models.containers import Container

from deploy.containers.secrets import POSTGRES_CLUSTER
from deploy.operating.databases import Pair
from deploy.operating.installation import Installation, OperationError

DATA: Final = "/var/lib/postgresql/data"
PASSWORD: Final = "/run/secrets/postgres-admin"  # noqa: S105 - where the superuser's password is mounted
_LABEL: Final = "ambito.copies"
_LONGEST_SECONDS: Final = 24 * 3600
"""After that a helper ends by itself, should nobody have done so."""
_MEMORY: Final = "1g"
_CAPABILITIES: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")


@dataclass(frozen=True)
class Server:
    """The container of one PostgreSQL of an installation, running or not."""

    installation: Installation
    container: Container

    @classmethod
    def primary(cls, installation: Installation) -> Server:
        """That which is written to. OperationError if none runs."""
        found = installation.containers(*POSTGRES_CLUSTER)
        if not found:
            raise OperationError("postgres does not run: what it holds can only be copied while it does")
        if len(found) == 1:
            return cls(installation, found[0])
        return cls(installation, Pair.of(installation).primary().container)

    @classmethod
    def initial(cls, installation: Installation) -> Server:
        """That which others begin from. OperationError if the installation has none."""
        for each in installation.containers(POSTGRES_CLUSTER[0], all_states=True):
            return cls(installation, each)
        raise OperationError("this installation has no container of postgres: it was never brought up")

    @property
    def image(self) -> str:
        return str(self.container.attrs["Image"])

    @cached_property
    def superuser(self) -> str:
        environment = dict(entry.split("=", 1) for entry in self.container.attrs["Config"]["Env"])
        return str(environment.get("POSTGRES_USER", "postgres"))

    def source_of(self, destination: str) -> str:
        """The volume, or the place on the host, that is mounted there. OperationError if nothing is."""
        for mount in self.container.attrs["Mounts"]:
            if mount["Destination"] == destination:
                return str(mount.get("Name") or mount["Source"])
        raise OperationError(f"{self.container.name} has nothing mounted at {destination}")

    def version(self) -> str:
        """Of the image's server, like `17.6`."""
        with self.helper() as helper:
            return helper.run("postgres", "--version").split()[2]

    @contextmanager
    def helper(self, mounts: Mapping[str, str] | None = None, **options: Any) -> Iterator[Helper]:
        """A container that waits for commands. `mounts`: volumes, or places on the host, and where they go;
        `options` as of the Docker SDK, above these: root without a network. OperationError if it cannot
        start.
        """
        settings: dict[str, Any] = {
            "user": "0:0", "network_mode": "none", "cap_drop": ["ALL"], "cap_add": list(_CAPABILITIES),
            "security_opt": ["no-new-privileges:true"], "mem_limit": _MEMORY, "pids_limit": 256,
        } | options  # fmt: skip
        container = None
        try:
            container = self.installation.client.containers.run(
                self.image, entrypoint=["sleep", str(_LONGEST_SECONDS)], detach=True, init=True,
                labels={_LABEL: self.installation.project},
                volumes=[f"{what}:{where}" for what, where in (mounts or {}).items()], **settings,
            )  # fmt: skip
            yield Helper(self, container)
        except APIError as error:
            raise OperationError(f"a container of {self.image}: {error.explanation or error}") from error
        finally:
            if container is not None:
                _remove(container)

    def end_leftovers(self) -> None:
        """Remove the helpers of commands that were killed."""
        label = f"{_LABEL}={self.installation.project}"
        containers = self.installation.client.containers
        for left in containers.list(all=True, filters={"label": label}, ignore_removed=True):
            _remove(left)


@dataclass(frozen=True)
class Helper:
    """A container that waits for commands; all of them raise OperationError with what a command says."""

    server: Server
    container: Container

    def run(self, *command: str, user: str = "") -> str:
        """What the command prints."""
        return self.server.installation.output_of(self.container, *command, user=user)

    def script(self, text: str, *arguments: str, user: str = "") -> str:
        """What a bash script prints that ends at its first failing command."""
        return self.run("bash", "-euo", "pipefail", "-c", text, "bash", *arguments, user=user)

    def stream(self, text: str) -> Iterator[str]:
        """What a bash script prints, as it comes."""
        for part in self.server.installation.stream(self.container, "bash", "-euo", "pipefail", "-c", text):
            yield part.decode(errors="replace")

    def sql(self, database: str, text: str) -> str:
        """What psql prints for a script on the server that runs in this container."""
        command = 'printf %s "$1" | psql -XAtq -v ON_ERROR_STOP=1 -U "$2" -d "$3"'
        return self.script(command, text, self.server.superuser, database, user="postgres")


def _remove(container: Container) -> None:
    with contextlib.suppress(NotFound):
        container.remove(force=True, v=True)
