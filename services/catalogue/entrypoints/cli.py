"""Commands of catalogue beside the common ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.catalogue.application.load_territory import load_territory
from services.catalogue.application.materialise_slots import Materialised
from services.catalogue.application.materialise_slots import materialise_slots as materialise
from services.catalogue.application.reconcile import reconcile as reconciled
from services.catalogue.bootstrap import SERVICE
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.process import fail, start
from services.contracts.territory import TerritoryErrors, read_territory

app = typer.Typer()


@app.command()
def load(
    folder: Annotated[Path, typer.Argument(help="Folder with the territory's YAML files.")],
) -> None:
    """Make the catalogue what a territory's folder says, and its slots; harmless when repeated."""
    try:
        territory = read_territory(folder)
    except TerritoryErrors as error:
        fail(str(error))
    with _database("load") as database:
        loaded = load_territory(database, SystemClock(), territory)
        typer.echo(
            f"new or different: {loaded.places} places, {loaded.providers} providers, "
            f"{loaded.services} services, {loaded.offerings} offerings"
        )
        typer.echo(_in_words(materialise(database, SystemClock())))


@app.command()
def slots() -> None:
    """Make the slots of the days to come out of the weekly rules."""
    with _database("slots") as database:
        typer.echo(_in_words(materialise(database, SystemClock())))


@app.command()
def reconcile() -> None:
    """Print as NDJSON where seats and bookings differ, then every open booking with its voucher.

    Ends with 1 if there is a difference.
    """
    differences = 0
    with _database("reconcile") as database:
        for line in reconciled(database):
            differences += line["kind"] == "seat-difference"
            typer.echo(json.dumps(line, default=str))
    raise typer.Exit(1 if differences else 0)


def _in_words(done: Materialised) -> str:
    return (
        f"slots of {done.offerings} offerings: {done.created} created, {done.updated} changed, "
        f"{done.withdrawn} withdrawn, {done.deleted} deleted"
    )


@contextmanager
def _database(command: str) -> Iterator[Database]:
    database = Database.from_settings(start(SERVICE, command), f"catalogue-{command}")
    try:
        yield database
    finally:
        database.dispose()
