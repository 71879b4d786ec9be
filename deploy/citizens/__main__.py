"""`python -m deploy.citizens --count 56000 --seed 1 --out FILE`: synthetic citizens, one a line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from deploy.citizens.generate import generate
from services.contracts.territory import TerritoryErrors, read_territory

_TRADATE = Path(__file__).resolve().parents[1] / "data" / "tradate"


def main(
    out: Annotated[Path, typer.Option(help="File to write (NDJSON, UTF-8); replaced if it exists.")],
    count: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many citizens.")] = 56_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same citizens.")] = 1,
    territory: Annotated[Path, typer.Option(help="Folder of the territory.")] = _TRADATE,
    on: Annotated[str, typer.Option(help="Day (YYYY-MM-DD) on which everybody's age holds.")] = "2026-01-01",
) -> None:
    """Write synthetic citizens of a territory: names, valid codici fiscali, households and addresses."""
    try:
        day = dt.date.fromisoformat(on)
    except ValueError:
        raise typer.BadParameter(f"{on} is not a day YYYY-MM-DD", param_hint="--on") from None
    try:
        source = read_territory(territory)
    except TerritoryErrors as errors:
        typer.echo(str(errors), err=True)
        raise typer.Exit(1) from None
    with out.open("w", encoding="utf-8", newline="\n") as file:
        for citizen in generate(source, count=count, seed=seed, on=day):
            file.write(citizen.model_dump_json())
            file.write("\n")
    typer.echo(f"{count} citizens of {source.ambito.name.it}: {out}")


if __name__ == "__main__":
    typer.run(main)
