"""Identity's own commands: loading a territory and residents, API clients, and keys."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.chassis.database import Database
from services.chassis.errors import CannotRunError
from services.chassis.tokens import TokenSigner
from services.contracts.territory import TerritoryErrors, read_territory
from services.identity import bootstrap
from services.identity.application.load_citizens import load_citizens
from services.identity.application.load_territory import TerritoryNotLoadable, load_territory
from services.identity.application.parts import Parts
from services.identity.entrypoints.clients_cli import clients
from services.identity.settings import IdentitySettings

commands = typer.Typer(no_args_is_help=True)
keys = typer.Typer(help="The keys of the access tokens.", no_args_is_help=True)
commands.add_typer(keys, name="keys")
commands.add_typer(clients, name="clients")

_BULK_TIMEOUT_MS = 60_000


@commands.command()
def load(
    folder: Annotated[Path, typer.Argument(help="The territory's folder")],
    passwords: Annotated[
        Path, typer.Option(help="JSON: login or client id → password or secret", exists=True, dir_okay=False)
    ],
) -> None:
    """Make comuni, Social Points, staff and API clients what a territory's folder says. May be repeated."""
    try:
        territory = read_territory(folder)
        secrets = json.loads(passwords.read_text())
        with _parts() as parts:
            loaded = load_territory(parts, territory, secrets)
    except (CannotRunError, TerritoryErrors, TerritoryNotLoadable) as error:
        _fail(str(error))
    typer.echo(
        f"identity: new or changed: {loaded.comuni} comuni, {loaded.social_points} Social Points,"
        f" {loaded.staff} staff, {loaded.api_clients} API clients"
    )


@commands.command("load-citizens")
def load_residents(
    file: Annotated[Path, typer.Argument(help="NDJSON, one resident a line", exists=True, dir_okay=False)],
) -> None:
    """Register residents from a register's file. May be interrupted and repeated; ends with 1 if lines were
    wrong.
    """
    started = time.monotonic()
    wrong = 0
    progress = None
    with _parts() as parts, file.open(encoding="utf-8") as lines:
        for progress in load_citizens(parts, lines):
            wrong += len(progress.wrong)
            for line in progress.wrong:
                typer.echo(f"{file.name}:{line.number}: {line.reason}", err=True)
            typer.echo(f"identity: {progress.lines} lines, {progress.registered} registered", err=True)
    registered, known = (progress.registered, progress.known) if progress else (0, 0)
    typer.echo(
        f"identity: {registered} registered, {known} known already, {wrong} wrong,"
        f" in {time.monotonic() - started:.1f} s"
    )
    if wrong:
        raise SystemExit(1)


@keys.command("new")
def new_key(
    file: Annotated[Path, typer.Argument(help="Where to write the private key; must not exist")],
) -> None:
    """Make a signing key, readable by its owner only."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(pem)
    except FileExistsError:
        _fail(f"{file} exists already: a key is never overwritten")


@keys.command("jwks")
def print_jwks(
    file: Annotated[Path, typer.Argument(help="The private key", exists=True, dir_okay=False)],
    kid: Annotated[str, typer.Option(help="The key's name in tokens")] = "k1",
) -> None:
    """Print the public half of a signing key as a JSON Web Key Set, for JWKS_FILE."""
    typer.echo(json.dumps(TokenSigner(file.read_bytes(), kid).jwks()))


@contextmanager
def _parts() -> Iterator[Parts]:
    settings = IdentitySettings()
    database = Database(
        settings.database_url,
        pool_size=2,
        statement_timeout_ms=_BULK_TIMEOUT_MS,
        application_name="identity-cli",
    )
    try:
        yield bootstrap.parts(settings, database)
    finally:
        database.dispose()


def _fail(reason: str) -> NoReturn:
    sys.stderr.write(f"{reason}\n")
    raise SystemExit(1)
