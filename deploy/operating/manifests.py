"""`manifests`: the files for other engines, made from the compose files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.manifests.files import generated, stale, write
from deploy.manifests.parts import TERRITORY
from deploy.manifests.source import DEPLOY
from deploy.operating.terminal import Exit, session_of


def manifests(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; end with 1 if one is stale.")
    ] = False,
    territory: Annotated[
        Path, typer.Option(help="The territory's folder, below deploy/data.", exists=True, file_okay=False)
    ] = TERRITORY,
) -> None:
    """Make deploy/stack.yaml and deploy/kubernetes/ from the compose files."""
    session = session_of(context)
    if not territory.resolve().is_relative_to(DEPLOY / "data"):
        raise typer.BadParameter(f"{territory} is not below {DEPLOY / 'data'}", param_hint="--territory")
    wanted = generated(territory.resolve())
    paths = (stale if check else write)(wanted)
    for path in paths:
        session.terminal.say(f"{'stale' if check else 'written'}: deploy/{path}")
    session.terminal.document({"stale" if check else "written": paths})
    if check and paths:
        raise typer.Exit(Exit.FOUND)
