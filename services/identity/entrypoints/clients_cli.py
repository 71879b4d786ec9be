"""`clients list | disable | enable`: what the operations team does with the systems of cooperatives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.process import fail, start
from services.chassis.refusal import Refusal
from services.identity.application.disable_clients import disable_clients
from services.identity.application.enable_clients import enable_clients
from services.identity.bootstrap import SERVICE
from services.identity.persistence.clients import known_clients

clients = typer.Typer(help="The systems of cooperatives.", no_args_is_help=True)
_Provider = Annotated[str, typer.Argument(help="The cooperative's name in the territory's folder.")]


@clients.command("list")
def list_() -> None:
    """One line of JSON for each API client."""
    with _database() as database, database.read() as connection:
        for each in known_clients(connection):
            line = {
                "client_id": each.client_id,
                "provider": each.provider,
                "open": each.is_open,
                "disabled_since": each.disabled_since and each.disabled_since.isoformat(),
            }
            typer.echo(json.dumps(line))


@clients.command()
def disable(provider: _Provider) -> None:
    """No API client of the cooperative can sign in any more, whatever is loaded later."""
    with _database() as database:
        changed = disable_clients(database, SystemClock(), provider)
    typer.echo(json.dumps({"provider": provider, "changed": changed}))


@clients.command()
def enable(provider: _Provider) -> None:
    """Its API clients can sign in again."""
    with _database() as database:
        changed = enable_clients(database, provider)
    typer.echo(json.dumps({"provider": provider, "changed": changed}))


@contextmanager
def _database() -> Iterator[Database]:
    database = Database.from_settings(start(SERVICE, "clients"), "identity-clients")
    try:
        yield database
    except Refusal as refusal:
        fail(refusal.message("en"))
    finally:
        database.dispose()
