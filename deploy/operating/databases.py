"""The two PostgreSQL servers of compose.cluster.yaml: which is the primary, and what each acknowledges."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from docker.errors import APIError, NotFound
from docker.models.containers import Container

from deploy.containers.replication import BOTH
from deploy.containers.secrets import POSTGRES_CLUSTER
from deploy.local.postgres import SUPERUSER
from deploy.operating.installation import Installation, OperationError, service_of

_DATA: Final = "/var/lib/postgresql/data"
_CONNECT_SECONDS: Final = 5
_STOP_SECONDS: Final = 60
_START_SECONDS: Final = 60.0
_FOLLOW_SECONDS: Final = 20.0
"""How long a server with its own data may take until it follows; one that has parted from the primary never
does."""
_COPY_SECONDS: Final = 12 * 3600.0
_POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two."""

    installation: Installation
    container: Container

    @property
    def name(self) -> str:
        return service_of(self.container)

    def value(self, query: str) -> str:
        """The one value that it answers with. OperationError if it does not answer."""
        command = ["psql", f"--username={SUPERUSER}", "--dbname=postgres", "-qAtc", query]
        done = self.installation.run_in(
            self.container,
            *command,
            user="postgres",
            environment={"PGCONNECT_TIMEOUT": str(_CONNECT_SECONDS)},
        )
        if done.status:
            raise OperationError(f"{self.name}: {done.errors or done.out}".strip())
        return done.out.strip()

    def role(self) -> str | None:
        """`primary`, `standby`, or None if it does not answer."""
        self.container.reload()
        if self.container.status != "running":
            return None
        try:
            return {"f": "primary", "t": "standby"}[self.value("SELECT pg_is_in_recovery()")]
        except OperationError:
            return None

    def acknowledges_on_both(self) -> bool | None:
        """Whether, as primary, it acknowledged only what its standby had; None if its disk does not tell."""
        try:
            chunks, _ = self.container.get_archive(f"{_DATA}/postgresql.auto.conf")
            with tarfile.open(fileobj=BytesIO(b"".join(chunks))) as archive:
                file = archive.extractfile(archive.getmembers()[0])
                settings = file.read().decode() if file is not None else ""
        except (NotFound, APIError):
            return None
        return f"synchronous_standby_names = '{BOTH}'" in settings

    def acknowledge_on_both(self) -> None:
        """From now on, once it is followed. Returns when its standby counts."""
        self._set(BOTH)
        counted = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
        _wait(lambda: self.value(counted) == "1", _START_SECONDS, f"no standby of {self.name} counts")

    def acknowledge_alone(self) -> None:
        """From now on; what waits for the standby is acknowledged."""
        self._set("")

    def is_followed(self) -> bool:
        streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        return self.value(f"{streaming} AND application_name LIKE 'postgres%'") == "1"

    def is_followed_soon(self) -> bool:
        try:
            _wait(self.is_followed, _FOLLOW_SECONDS, "")
        except OperationError:
            return False
        return True

    def wait_until_followed(self) -> None:
        _wait(self.is_followed, _COPY_SECONDS, f"nobody follows {self.name}")

    def promote(self) -> None:
        """Make it the primary, which acknowledges alone at first: nobody follows it yet."""
        self.acknowledge_alone()
        self.value(f"SELECT pg_promote(true, {_START_SECONDS:.0f})")
        _wait(lambda: self.role() == "primary", _START_SECONDS, f"{self.name} has not become the primary")

    def fence(self) -> None:
        """Stop it; it stays stopped, also when the engine restarts. In order if it answers, else at once."""
        self.container.reload()
        if self.container.status == "paused":
            self.container.unpause()
            self.container.kill()
        elif self.role() is not None:
            self.container.stop(timeout=_STOP_SECONDS)
        else:
            self.container.stop(timeout=0)
        _wait(self._is_stopped, _STOP_SECONDS, f"{self.name} does not stop")

    def start(self) -> None:
        """Does nothing if it runs."""
        self.container.start()

    def empty(self) -> None:
        """Stop it and delete its data, which must not be the only ones."""
        self.fence()
        self.installation.client.containers.run(
            str(self.container.attrs["Image"]), entrypoint=["find", _DATA, "-mindepth", "1", "-delete"],
            volumes_from=[str(self.container.id)], network_mode="none", remove=True,
        )  # fmt: skip

    def _set(self, names: str) -> None:
        self.value(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.value("SELECT pg_reload_conf()")

    def _is_stopped(self) -> bool:
        self.container.reload()
        return self.container.status in {"exited", "created", "dead"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Both."""

    servers: tuple[Server, Server]

    @classmethod
    def of(cls, installation: Installation) -> Pair:
        """OperationError unless both have a container, running or not."""
        first, *others = (
            Server(installation, each) for each in installation.containers(*POSTGRES_CLUSTER, all_states=True)
        )
        if len(others) != 1:
            raise OperationError("there are no two PostgreSQL servers: is this with compose.cluster.yaml?")
        return cls((first, others[0]))

    def primary(self) -> Server:
        """OperationError if none answers."""
        return self._only("primary")

    def standby(self) -> Server:
        """OperationError if none answers."""
        return self._only("standby")

    def other(self, server: Server) -> Server:
        [found] = [each for each in self.servers if each != server]
        return found

    def _only(self, role: str) -> Server:
        found = [each for each in self.servers if each.role() == role]
        if len(found) != 1:
            raise OperationError(f"there is {'no' if not found else 'more than one'} {role} that answers")
        return found[0]


def _wait(until: Callable[[], bool], seconds: float, else_: str) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise OperationError(else_)
        time.sleep(_POLL_SECONDS)
