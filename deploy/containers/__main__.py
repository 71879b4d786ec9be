"""`python -m deploy.containers secrets | certificate NAME… | fingerprints | servers | former | facts |
cooperative …`, in the image `operations`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import httpx
import psycopg
import typer

from deploy.containers.certificate import CertificateExists, make_certificate
from deploy.containers.cooperative_commands import app as cooperative_commands
from deploy.containers.disabled import disabled
from deploy.containers.facts import PARTS
from deploy.containers.finding_out import find_out
from deploy.containers.fingerprints import fingerprints as fingerprints_of
from deploy.containers.metadata_store import NodesMissing
from deploy.containers.places import APART, SECRETS, TERRITORY, apart, fail, territory
from deploy.containers.replication import NobodyFollows
from deploy.containers.secrets import make
from deploy.containers.servers import left_over, prepare, prepare_cluster
from deploy.local.secrets import Secrets
from services.chassis.messaging.topology_check import TopologyError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def secrets() -> None:
    """Make the installation's passwords and keys, as far as they are missing."""
    make(SECRETS, territory())
    typer.echo("The secrets are made. Keep a copy of them apart from the backups of the databases.")


@app.command()
def certificate(names: list[str]) -> None:
    """Make a certificate for these names that nobody has signed, to try TLS before a real one is there."""
    try:
        make_certificate(SECRETS, names)
    except CertificateExists as error:
        fail(str(error))
    typer.echo(
        f"A certificate for {', '.join(names)} is made, valid for 90 days; browsers will not trust it."
    )


@app.command()
def fingerprints() -> None:
    """Print as JSON which keys these are: two installations with the same can read the same databases."""
    try:
        typer.echo(json.dumps(fingerprints_of(SECRETS)))
    except (OSError, ValueError) as error:
        fail(str(error))


@app.command()
def servers(
    cluster: Annotated[bool, typer.Option(help="The servers of compose.cluster.yaml.")] = False,
    keep_bindings: Annotated[
        bool, typer.Option("--keep-bindings", help="Leave what another version of the services still needs.")
    ] = False,
) -> None:
    """Make databases, roles, and the broker's users, exchanges, queues and policies what they must be."""
    try:
        left = (prepare_cluster if cluster else prepare)(
            Secrets(SECRETS), territory(), apart(), disabled(SECRETS), keep_bindings=keep_bindings
        )
    except (psycopg.Error, httpx.HTTPError, TopologyError, NobodyFollows, NodesMissing) as error:
        fail(str(error))
    for each in left:
        typer.echo(
            f"{each.queue} gets nothing any more; messages left in it: {each.messages}, "
            f"workers that read it: {each.consumers}."
        )
    typer.echo("PostgreSQL and RabbitMQ are ready.")


@app.command("former")
def former_queues() -> None:
    """Print as one JSON document what is left of groups of comuni that are apart no more."""
    try:
        left = left_over(Secrets(SECRETS), territory(), apart())
    except (httpx.HTTPError, TopologyError) as error:
        fail(str(error))
    typer.echo(json.dumps([asdict(each) for each in left]))


@app.command()
def facts(parts: Annotated[list[str] | None, typer.Argument(help="Only these.")] = None) -> None:
    """Print as one JSON document how the installation is; nothing in it is secret."""
    typer.echo(find_out(SECRETS, TERRITORY, APART, parts or PARTS).model_dump_json())


app.add_typer(cooperative_commands, name="cooperative")


if __name__ == "__main__":
    app()
