"""`restore`: an installation becomes what it was when a backup was made."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from docker.models.containers import Container

from deploy.containers.secrets import POSTGRES_CLUSTER, RABBITMQ_CLUSTER
from deploy.local.layout import ROOT
from deploy.operating import databases
from deploy.operating.backup import Backup, Root, fingerprints, show, take
from deploy.operating.backups import copies, replacement, store
from deploy.operating.backups.broker import FILE as BROKER_FILE
from deploy.operating.backups.broker import Broker
from deploy.operating.backups.helpers import DATA, Server
from deploy.operating.backups.manifest import Manifest, different_databases, different_keys
from deploy.operating.backups.steps import Tell, steps
from deploy.operating.checks_of_data import differences, faults
from deploy.operating.installation import Installation, OperationError, service_of
from deploy.operating.terminal import Exit, failing, session_of

REMEMBERED: Final = timedelta(days=100)
"""Inboxes know for 120 days what they have had: only what was published since then may come again."""
_SERVERS: Final = (*POSTGRES_CLUSTER, *RABBITMQ_CLUSTER)
_SETTLED_SECONDS: Final = 900
_AGAIN_SECONDS: Final = 5.0
_MIGRATION: Final = "services/{service}/persistence/migrations/versions/{migration}_*.py"


def restore(
    context: typer.Context,
    directory: Backup,
    root: Root = store.DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Do not back up first what is there, and will be replaced.")
    ] = False,
) -> None:
    """Replace all databases, and what the broker holds, by those of a backup.

    Everything that happened since then is lost. May be repeated after whatever interrupted it. Ends with 1 if
    what was restored does not agree with itself.
    """
    session = session_of(context)
    with failing(), session.replacing() as installation:
        manifest = Manifest.read(directory)
        until = f"{manifest.data_until:%Y-%m-%d %H:%M:%S} UTC"
        show(session.terminal, manifest)
        if not yes:
            _ask(installation.project, until)
        with store.locked(root), steps(session.terminal) as tell:
            run = _Restore(installation, directory, manifest, tell)
            run.check(discard=discard)
            again = run.prepare()
            saved = run.stop(None if discard else root)
            run.replace()
            tell("whether the books agree", 0, 0)
            disagreements = _disagreements(installation)
            run.forget()
    session.terminal.say(f"Restored: the data are those of {until}. What happened after that is not in them.")
    if saved is not None:
        session.terminal.say(f"What was there before is in {session.terminal.plain(str(saved))}.")
    session.terminal.say(
        f"{sum(again.values())} events are published again; who had them knows them by their ids."
    )
    for each in disagreements:
        session.terminal.say(f"[red]✗[/] {session.terminal.plain(each)}")
    session.terminal.document(
        {
            "restored": str(directory),
            "data_until": manifest.data_until,
            "saved": None if saved is None else str(saved),
            "published_again": again,
            "disagreements": disagreements,
        }
    )
    if disagreements:
        raise typer.Exit(Exit.FOUND)


class _Restore:
    """The steps, in an order in which each may be the last, and all may be repeated from the first."""

    def __init__(self, installation: Installation, directory: Path, manifest: Manifest, tell: Tell) -> None:
        self._installation = installation
        self._directory = directory
        self._manifest = manifest
        self._tell = tell
        self._server = Server.initial(installation)
        self._volume = self._server.source_of(DATA)
        self._replicas: dict[str, int] = {}

    def check(self, *, discard: bool) -> None:
        """OperationError if this backup cannot be restored here; nothing has been touched."""
        total = self._manifest.bytes
        self._manifest.check(self._directory, lambda done: self._tell("checksums", done, total))
        version = self._server.version()
        if int(version.split(".")[0]) != self._manifest.postgres.major:
            raise OperationError(
                f"the backup is of PostgreSQL {self._manifest.postgres.version}, here is {version}: restore"
                " it where its major version runs"
            )
        for service, database in self._manifest.databases.items():
            if not [*ROOT.glob(_MIGRATION.format(service=service, migration=database.migration))]:
                raise OperationError(
                    f"the backup's {service} has migration {database.migration}, which this version of the"
                    " project does not know: restore it with the version that it is of, or a newer one"
                )
        if different := different_keys(self._manifest.keys, fingerprints(self._installation)):
            raise OperationError(
                "this installation's secrets do not read the backup's data; bring those of the installation"
                f" that it is of: {'; '.join(different)}"
            )
        if not discard and not self._installation.containers(*POSTGRES_CLUSTER):
            raise OperationError(
                "postgres does not run, so that what is there cannot be backed up first; --discard, if it may"
                " be lost"
            )

    def prepare(self) -> dict[str, int]:
        """Unpack, verify and compare aside, while all goes on; how many events of each service will be
        published again. OperationError if it is not what was backed up.
        """
        self._server.end_leftovers()
        replacement.clean(self._server, self._volume)
        self._tell("unpacking and verifying", 0, 0)
        with copies.unpacked(
            self._server, self._directory, volume=self._volume, into=replacement.NEW
        ) as helper:
            self._tell("comparing every row", 0, 0)
            found = copies.contents(helper).databases
            if differences := different_databases(self._manifest.databases, found):
                raise OperationError("what is restored is not what was backed up: " + "; ".join(differences))
            return replacement.prepare(helper, datetime.now(UTC) - REMEMBERED)

    def stop(self, root: Path | None) -> Path | None:
        """Stop the application, and back up to `root` what will be replaced, to the last booking; where. If
        that fails, everything is started again.
        """
        self._tell("stopping the application", 0, 0)
        self._replicas = self._count_replicas()
        self._installation.compose("stop", *self._users_of_servers())
        if root is None:
            return None
        try:
            return take(self._installation, root, self._tell)[0]
        except OperationError:
            self._start()
            raise

    def replace(self) -> None:
        """Put everything in place, and start it."""
        self._tell("the broker", 0, 0)
        # First the broker, which loses its messages only: they all come again. Had the databases been
        # replaced first, an interruption here would leave messages that tell them of what they do not know.
        nodes = self._present(RABBITMQ_CLUSTER)
        self._installation.compose("up", "--detach", "--wait", "--no-deps", "--no-recreate", *nodes)
        Broker(self._installation).replace(json.loads((self._directory / BROKER_FILE).read_text()))
        self._tell("replacing the databases", 0, 0)
        self._installation.compose("stop", *self._present(POSTGRES_CLUSTER))
        for standby in self._installation.containers(*POSTGRES_CLUSTER[1:], all_states=True):
            databases.Server(self._installation, standby).empty()  # it copies the others when it starts
        replacement.swap(self._server, self._volume)
        try:
            self._start()
        except OperationError as error:
            raise OperationError(
                "the databases are in place, but not everything starts; `docker compose … up --detach"
                f" --wait` is all that is left to do: {error}"
            ) from error

    def forget(self) -> None:
        """Remove what was replaced."""
        replacement.forget(self._server, self._volume)

    def _start(self) -> None:
        self._tell("starting everything", 0, 0)
        scale = [part for pair in self._replicas.items() for part in ("--scale", "{}={}".format(*pair))]
        self._installation.compose("up", "--detach", "--wait", *scale)

    def _present(self, services: tuple[str, ...]) -> list[str]:
        return [service_of(each) for each in self._installation.containers(*services, all_states=True)]

    def _users_of_servers(self) -> list[str]:
        """Services that can reach a database or the broker."""
        containers = self._installation.containers(all_states=True)
        networks = {
            name for each in containers if service_of(each) in _SERVERS for name in _networks_of(each)
        }
        return sorted(
            {
                service_of(each)
                for each in containers
                if service_of(each) not in _SERVERS and networks & _networks_of(each)
            }
        )

    def _count_replicas(self) -> dict[str, int]:
        """How many containers the services have that have several."""
        services = [service_of(each) for each in self._installation.containers(all_states=True)]
        return {service: services.count(service) for service in services if services.count(service) > 1}


def _disagreements(installation: Installation) -> list[str]:
    """Faults of the ledger, and differences between the services that stay when events have arrived that were
    on their way at the backup.
    """
    deadline = time.monotonic() + _SETTLED_SECONDS
    while (found := differences(installation)) and time.monotonic() < deadline:
        time.sleep(_AGAIN_SECONDS)
    return faults(installation) + found


def _ask(project: str, until: str) -> None:
    """Raises OperationError unless the person at the terminal types the project's name."""
    typer.echo(f"This replaces all data of {project} by those of {until}.", err=True)
    typer.echo("The project's name, to go on: ", nl=False, err=True)
    if sys.stdin.readline().strip() != project:
        raise OperationError("nothing was changed")


def _networks_of(container: Container) -> set[str]:
    return set(container.attrs["NetworkSettings"]["Networks"])
