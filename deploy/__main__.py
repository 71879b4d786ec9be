"""`python -m deploy`: an installation in containers, from outside: how it is, and what is done with it."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from deploy.operating import checks_of_data, cooperatives, dead_letters
from deploy.operating.apart import app as comune
from deploy.operating.backup import app as backup
from deploy.operating.doctor.command import doctor
from deploy.operating.failover import failover, replica
from deploy.operating.manifests import manifests
from deploy.operating.restore import restore
from deploy.operating.status import status
from deploy.operating.terminal import Session, Terminal
from deploy.operating.upgrade import upgrade
from deploy.supply_chain.commands import audit, sbom

_JSON: Final = "--json"

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def options(
    context: typer.Context,
    project: Annotated[
        str, typer.Option(envvar="COMPOSE_PROJECT_NAME", help="The compose project.")
    ] = "ambito",
    as_json: Annotated[
        bool, typer.Option(_JSON, help="Answer with one JSON document; may stand anywhere.")
    ] = False,
) -> None:
    """Watch and operate an installation in containers.

    Ends with 0 when all is well, 1 when something was found amiss, 2 when the command was not understood,
    3 when it could not be carried out.
    """
    context.obj = Session(project, Terminal(as_json))


app.command()(status)
app.command()(upgrade)
app.command()(sbom)
app.command()(audit)
app.command()(doctor)
app.command()(checks_of_data.reconcile)
app.command("verify-ledger")(checks_of_data.verify_ledger)
app.command("check-topology")(checks_of_data.check_topology)
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(backup, name="backup")
app.command()(restore)
app.command()(failover)
app.command()(replica)
app.add_typer(comune, name="comune")
app.command()(manifests)
app.add_typer(cooperatives.app, name="cooperative")

if __name__ == "__main__":
    given = sys.argv[1:]
    app([_JSON] * (_JSON in given) + [each for each in given if each != _JSON], prog_name="python -m deploy")
