"""`python -m deploy.containers secrets | certificate NAME… | servers`, in the image `operations`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import httpx
import psycopg
import typer

from deploy.containers.certificate import CertificateExists, make_certificate
from deploy.containers.replication import NobodyFollows
from deploy.containers.secrets import make
from deploy.containers.servers import prepare, prepare_cluster
from deploy.local.secrets import Secrets
from services.chassis.messaging.topology_check import TopologyError
from services.contracts.territory import Territory, TerritoryErrors, read_territory

SECRETS, TERRITORY = Path("/secrets"), Path("/territory")

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
def servers(
    cluster: Annotated[bool, typer.Option(help="The servers of compose.cluster.yaml.")] = False,
) -> None:
    """Make databases, roles, and the broker's users, exchanges, queues and policies what they must be."""
    try:
        (prepare_cluster if cluster else prepare)(Secrets(SECRETS), _territory())
    except (psycopg.Error, httpx.HTTPError, TopologyError, NobodyFollows) as error:
        _fail(str(error))
    typer.echo("PostgreSQL and RabbitMQ are ready.")


def _territory() -> Territory:
    try:
        return read_territory(TERRITORY)
    except TerritoryErrors as failure:
        _fail("\n".join(f"{error.file}:{error.line}: {error.reason}" for error in failure.errors[:20]))


def _fail(reason: str) -> NoReturn:
    sys.stderr.write(f"{reason}\n")
    raise SystemExit(1)


if __name__ == "__main__":
    app()
