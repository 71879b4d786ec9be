"""`backup`: all databases and what the broker must hold, of one instant, while everything goes on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.filesize import decimal

from deploy.operating.backups import copies, store
from deploy.operating.backups.broker import FILE as BROKER_FILE
from deploy.operating.backups.broker import Broker
from deploy.operating.backups.helpers import Server
from deploy.operating.backups.manifest import NAME as MANIFEST
from deploy.operating.backups.manifest import Image, Manifest, different_databases, digest
from deploy.operating.backups.steps import Tell, steps
from deploy.operating.installation import Installation, OperationError, service_of
from deploy.operating.terminal import Terminal, failing, session_of
from deploy.operating.tools import answer_of_tool

_TOLD: Final = ("person", "booking", "voucher", "ledger_entry", "feed_event", "outbox")

app = typer.Typer(invoke_without_command=True)
Root = Annotated[
    Path, typer.Option("--in", envvar="AMBITO_BACKUPS", help="The directory in which backups are kept.")
]
Backup = Annotated[Path, typer.Argument(help="The backup's directory.")]


@app.callback()
def backup(
    context: typer.Context,
    root: Root = store.DEFAULT,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Remove the oldest beyond this number afterwards.")
    ] = None,
) -> None:
    """Back up all databases and the broker's definitions at one instant, while everything goes on."""
    if context.invoked_subcommand is not None:
        return
    session = session_of(context)
    with failing():
        installation = session.installation()
        with store.locked(root):
            with steps(session.terminal) as tell:
                directory, manifest = take(installation, root, tell)
            removed = [] if keep is None else store.prune(root, keep)
    until = f"{manifest.data_until:%Y-%m-%d %H:%M:%S} UTC"
    session.terminal.say(
        f"{session.terminal.plain(str(directory))}: {decimal(manifest.bytes)}, data until {until}"
    )
    show(session.terminal, manifest)
    for each in removed:
        session.terminal.say(f"removed: {session.terminal.plain(str(each))}")
    session.terminal.document(_document(directory, manifest) | {"removed": removed})


@app.command("list")
def list_backups(context: typer.Context, root: Root = store.DEFAULT) -> None:
    """Which backups there are, oldest first."""
    session = session_of(context)
    rows, documents = [], []
    for each in store.backups(root):
        try:
            manifest = Manifest.read(each)
        except OperationError as error:  # of a newer tool, or damaged: the others are there all the same
            rows.append([each, str(error)])
            documents.append({"directory": str(each), "error": str(error)})
        else:
            until = f"{manifest.data_until:%Y-%m-%d %H:%M:%S} UTC"
            rows.append([each, until, decimal(manifest.bytes), manifest.project])
            documents.append(_document(each, manifest))
    session.terminal.table(["backup", "data until", "size", "project"], rows)
    session.terminal.document({"backups": documents})


@app.command()
def verify(
    context: typer.Context,
    directory: Backup,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Also restore it aside, and compare every table.")
    ] = False,
) -> None:
    """Check that a backup is what was written. Ends with 3 if it is damaged."""
    session = session_of(context)
    with failing():
        manifest = Manifest.read(directory)
        with steps(session.terminal) as tell:
            manifest.check(directory, lambda done: tell("checksums", done, manifest.bytes))
            if rehearse:
                tell("restoring it aside", 0, 0)
                found = copies.rehearsed(Server.initial(session.installation()), directory).databases
                if differences := different_databases(manifest.databases, found):
                    raise OperationError("\n".join(differences))
    session.terminal.say(f"{session.terminal.plain(str(directory))} is whole.")
    session.terminal.document(_document(directory, manifest))


def take(installation: Installation, root: Path, tell: Tell) -> tuple[Path, Manifest]:
    """Make a new backup below `root`, which is `store.locked`. OperationError if that fails; then there is
    none.
    """
    server = Server.primary(installation)
    server.end_leftovers()
    broker = Broker(installation)
    begun_at = datetime.now(UTC).replace(microsecond=0)
    name = store.name_of(begun_at)
    with store.new(root, name) as directory:
        waiting, definitions = broker.waiting(), broker.definitions()
        copies.take(server, directory, lambda done, total: tell("copying (kB)", done, total))
        copied_at = datetime.now(UTC)
        if broker.definitions() != definitions:
            raise OperationError("what the broker must hold was changed meanwhile: back up again")
        store.write(directory / BROKER_FILE, json.dumps(definitions, indent=1))
        tell("restoring it aside", 0, 0)
        contents = copies.rehearsed(server, directory)
        tell("checksums", 0, 0)
        manifest = Manifest(
            project=installation.project,
            begun_at=begun_at,
            data_until=contents.last_transaction or copied_at,
            postgres=contents.postgres,
            images=_images(installation),
            databases=contents.databases,
            queues=waiting,
            keys=fingerprints(installation),
            files={each: digest(directory / each) for each in (*copies.FILES, BROKER_FILE)},
        )
        store.write(directory / MANIFEST, manifest.model_dump_json(indent=1))
    return root / name, manifest


def fingerprints(installation: Installation) -> dict[str, dict[str, str]]:
    """Which data keys the installation has. OperationError if its secrets are not there."""
    found: dict[str, dict[str, str]] = json.loads(answer_of_tool(installation, "fingerprints"))
    return found


def show(terminal: Terminal, manifest: Manifest) -> None:
    """How much each service keeps in it, for people."""
    terminal.table(
        ["database", "migration", "tables", "rows", "of these"],
        [
            [
                service,
                each.migration,
                len(each.tables),
                sum(table.rows for table in each.tables.values()),
                ", ".join(f"{name} {each.tables[name].rows}" for name in _TOLD if name in each.tables),
            ]
            for service, each in manifest.databases.items()
        ],
    )


def _images(installation: Installation) -> dict[str, Image]:
    return {
        service_of(each): Image(name=each.attrs["Config"]["Image"], id=each.attrs["Image"])
        for each in installation.containers(all_states=True)
    }


def _document(directory: Path, manifest: Manifest) -> dict[str, Any]:
    """What a program wants to know; digests are in the manifest."""
    return {
        "directory": str(directory),
        "begun_at": manifest.begun_at,
        "data_until": manifest.data_until,
        "bytes": manifest.bytes,
        "project": manifest.project,
        "postgres": manifest.postgres.version,
        "rows": {
            service: {name: table.rows for name, table in each.tables.items()}
            for service, each in manifest.databases.items()
        },
        "queues": manifest.queues,
    }
