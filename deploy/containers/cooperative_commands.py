"""`cooperative list | add | rotate | disable | enable`: answers are JSON, and go to nobody's log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import httpx
import typer

from deploy.containers.cooperatives import CannotDo, Cooperatives
from deploy.containers.places import SECRETS, apart, fail, territory
from services.chassis.messaging.topology_check import TopologyError

app = typer.Typer(help="A cooperative's door to the broker, and its secrets.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Every cooperative of the territory."""
    with _cooperatives() as cooperatives:
        typer.echo(json.dumps(cooperatives.listed()))


@app.command()
def add(slug: str) -> None:
    """Make what it needs, and print it."""
    with _cooperatives() as cooperatives:
        typer.echo(json.dumps(cooperatives.add(slug)))


@app.command()
def rotate(
    slug: str,
    broker: Annotated[bool, typer.Option("--broker")] = False,
    api_client: Annotated[bool, typer.Option("--api-client")] = False,
) -> None:
    """Make new secrets, and print them."""
    with _cooperatives() as cooperatives:
        typer.echo(json.dumps(cooperatives.rotate(slug, broker=broker, api_client=api_client)))


@app.command()
def disable(slug: str) -> None:
    """Shut it out of the broker."""
    with _cooperatives() as cooperatives:
        typer.echo(json.dumps({"cooperative": slug, "changed": cooperatives.disable(slug)}))


@app.command()
def enable(slug: str) -> None:
    """Let it in again."""
    with _cooperatives() as cooperatives:
        typer.echo(json.dumps({"cooperative": slug, "changed": cooperatives.enable(slug)}))


@contextmanager
def _cooperatives() -> Iterator[Cooperatives]:
    try:
        yield Cooperatives(SECRETS, territory(), apart())
    except (CannotDo, TopologyError, httpx.HTTPError) as error:
        fail(str(error))
