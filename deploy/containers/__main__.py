"""`python -m deploy.containers secrets | certificate NAME… | servers | former`, in the image `operations`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import httpx
import psycopg
import typer

from deploy.broker.apart import Apart, ApartError, read_apart
from deploy.containers.certificate import CertificateExists, make_certificate
from deploy.containers.secrets import make
from deploy.containers.servers import left_over, prepare
from deploy.local.secrets import Secrets
from services.chassis.messaging.topology_check import TopologyError
from services.contracts.territory import Territory, TerritoryErrors, read_territory

SECRETS, TERRITORY, APART = Path("/secrets"), Path("/territory"), Path("/apart.yaml")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def secrets() -> None:
    """Make the installation's passwords and keys, as far as they are missing."""
    make(SECRETS, _territory())
    typer.echo("The secrets are made. Keep a copy of them apart from the backups of the databases.")


@app.command()
def certificate(names: list[str]) -> None:
    """Make a certificate for these names that nobody has signed, to try TLS before a real one is there."""
    try:
        make_certificate(SECRETS, names)
    except CertificateExists as error:
        _fail(str(error))
    typer.echo(
        f"A certificate for {', '.join(names)} is made, valid for 90 days; browsers will not trust it."
    )


@app.command()
def servers() -> None:
    """Make databases, roles, and the broker's users, exchanges, queues and policies what they must be."""
    territory = _territory()
    try:
        left = prepare(Secrets(SECRETS), territory, _apart(territory))
    except (psycopg.Error, httpx.HTTPError, TopologyError) as error:
        _fail(str(error))
    for each in left:
        typer.echo(
            f"{each.queue} gets nothing any more; {each.messages} messages are left, "
            f"and {each.consumers} workers read it."
        )
    typer.echo("PostgreSQL and RabbitMQ are ready.")


@app.command("former")
def former_queues() -> None:
    """Print as one JSON document what is left of groups of comuni that are apart no more."""
    territory = _territory()
    try:
        left = left_over(Secrets(SECRETS), territory, _apart(territory))
    except (httpx.HTTPError, TopologyError) as error:
        _fail(str(error))
    typer.echo(json.dumps([asdict(each) for each in left]))


def _territory() -> Territory:
    try:
        return read_territory(TERRITORY)
    except TerritoryErrors as failure:
        _fail("\n".join(f"{error.file}:{error.line}: {error.reason}" for error in failure.errors[:20]))


def _apart(territory: Territory) -> Apart:
    try:
        return read_apart(APART, territory)
    except ApartError as error:
        _fail(str(error))


def _fail(reason: str) -> NoReturn:
    sys.stderr.write(f"{reason}\n")
    raise SystemExit(1)


if __name__ == "__main__":
    app()
