"""`python -m deploy`: an installation in containers, from outside: how it is, and what is done with it."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.operating.apart import app as comune
from deploy.operating.status import status
from deploy.operating.terminal import Session, Terminal

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        str, typer.Option(envvar="COMPOSE_PROJECT_NAME", help="The compose project.")
    ] = "ambito",
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Watch and operate an installation in containers.

    Ends with 0 when all is well, 1 when something was found amiss, 2 when the command was not understood,
    3 when it could not be carried out.
    """
    context.obj = Session(project, Terminal(as_json))


app.command()(status)
app.add_typer(comune, name="comune")

if __name__ == "__main__":
    app()
