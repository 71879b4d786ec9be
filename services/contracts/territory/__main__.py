"""`python -m services.contracts.territory check FOLDER`: is a territory's folder valid, and if not, why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.contracts.territory import TerritoryErrors, read_territory

app = typer.Typer(add_completion=False, help="A territory as data.")


@app.callback()
def _territory() -> None:
    """A territory as data."""


@app.command()
def check(folder: Annotated[Path, typer.Argument(help="Folder with the territory's YAML files.")]) -> None:
    """Validate a folder. Prints one line per mistake (file:line: reason) and then ends with status 1."""
    try:
        territory = read_territory(folder)
    except TerritoryErrors as failure:
        for error in failure.errors:
            typer.echo(f"{folder / error.file}:{error.line}: {error.reason}", err=True)
        typer.echo(f"{len(failure.errors)} mistakes", err=True)
        raise typer.Exit(1) from None
    typer.echo(
        f"{territory.ambito.name.it}: {len(territory.comuni)} comuni, "
        f"{len(territory.social_points)} Social Points, "
        f"{len(territory.providers)} providers, {len(territory.services)} services, "
        f"{len(territory.offerings)} offerings, {len(territory.measures)} measures. Valid."
    )


if __name__ == "__main__":
    app()
