"""Commands of the operations team."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.chassis.database import Database
from services.chassis.process import fail, start
from services.chassis.refusal import Refusal
from services.contracts.territory import TerritoryErrors, read_territory
from services.vouchers.application.load_territory import load_territory
from services.vouchers.application.verify_ledger import verify_everything
from services.vouchers.bootstrap import SERVICE
from services.vouchers.persistence import holds, ledger

commands = typer.Typer()


@commands.command()
def load(folder: Annotated[Path, typer.Argument(help="Folder with the territory's YAML files.")]) -> None:
    """Take over the measures, budgets and rules of a territory. Again changes nothing; a refusal loads
    nothing.
    """
    try:
        territory = read_territory(folder)
    except TerritoryErrors as error:
        fail(str(error))
    with _database("load") as database, database.transaction() as connection:
        loaded = load_territory(connection, territory)
    typer.echo(f"{loaded.measures} measures and {loaded.budgets} budgets new or changed.")


@commands.command("verify-ledger")
def verify_ledger() -> None:
    """Compute every voucher's ledger again; one line per fault, and then status 1."""
    with _database("verify-ledger") as database, database.read() as connection:
        verification = verify_everything(connection)
    for fault in verification.faults:
        typer.echo(f"voucher {fault.voucher_id} entry {fault.sequence}: {fault.reason}", err=True)
    typer.echo(
        f"{verification.vouchers} vouchers, {verification.entries} entries, {len(verification.faults)} faults"
    )
    if verification.faults:
        raise typer.Exit(1)


@commands.command("holds")
def list_holds() -> None:
    """Print every open hold as one JSON object a line: booking_id, voucher_id, quantity."""
    with _database("holds") as database, database.read() as connection:
        for hold in holds.open_holds(connection):
            line = {
                "booking_id": str(hold.booking_id),
                "voucher_id": str(hold.voucher_id),
                "quantity": hold.quantity,
            }
            typer.echo(json.dumps(line))


@commands.command()
def reconcile() -> None:
    """Compare reservations with open holds, and budgets with the ledger; one line per difference, then status
    1.
    """
    with _database("reconcile") as database, database.read() as connection:
        differences = ledger.differences(connection)
    for difference in differences:
        typer.echo(f"{difference.what}: expected {difference.expected}, found {difference.found}", err=True)
    typer.echo(f"{len(differences)} differences.")
    if differences:
        raise typer.Exit(1)


@contextmanager
def _database(command: str) -> Iterator[Database]:
    """The service's database; a refusal ends the command with its reason."""
    database = Database.from_settings(start(SERVICE, command), f"vouchers-{command}")
    try:
        yield database
    except Refusal as refusal:
        fail(refusal.message("en"))
    finally:
        database.dispose()
