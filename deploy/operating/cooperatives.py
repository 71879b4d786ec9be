"""`cooperative list | add | rotate | disable | enable`: its broker user and queue, API clients, webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.broker.topology import cooperative_user
from deploy.operating.doors import DOORS, Doors
from deploy.operating.handover import addresses_of, handover, in_words, require_new, write_privately
from deploy.operating.installation import OperationError
from deploy.operating.loading import LOADING, load, restart_readers
from deploy.operating.terminal import Exit, Session, failing, session_of

app = typer.Typer(help="The integrations of cooperatives.", no_args_is_help=True)

_Slug = Annotated[str, typer.Argument(help="The cooperative's slug in the territory's folder.")]
_Output = Annotated[
    Path | None, typer.Option(help="Write the credentials into this new file (mode 0600) and not here.")
]
_Host = Annotated[
    str | None, typer.Option(help="The name by which cooperatives reach the broker, if not PORTAL_URL's.")
]


@app.command("list")
def list_(context: typer.Context) -> None:
    """Each cooperative of the territory, and which doors are open to it.

    Ends with 1 if one is shut in part only.
    """
    session = session_of(context)
    with failing():
        rows = Doors(session.installation()).cooperatives()
    columns = ("cooperative", "queue", "API clients", "webhooks", "disabled")
    session.terminal.table(
        columns,
        [
            (
                row["cooperative"], row["queue"], ", ".join(row["api_clients"]) or "-",
                ", ".join(row["webhooks"]) or "-", ", ".join(row["disabled"]) or "-",
            )
            for row in rows
        ],
    )  # fmt: skip
    session.terminal.document(rows)
    if any(0 < len(row["disabled"]) < len(DOORS) for row in rows):
        raise typer.Exit(Exit.FOUND)


@app.command()
def add(
    context: typer.Context,
    slug: _Slug,
    webhook: Annotated[str | None, typer.Option(help="Register this https URL as its webhook.")] = None,
    output: _Output = None,
    host: _Host = None,
) -> None:
    """Make what a cooperative's systems need, and print it.

    The cooperative and its API client stand in the territory's folder (providers.yaml, api_clients.yaml).
    Broker user, queue, rights, bindings and secrets are made, the folder is loaded into the services, the
    webhook is registered. May be repeated. Opens again what `disable` has shut.
    """
    session = session_of(context)
    with failing():
        require_new(output)
        installation = session.installation()
        addresses, doors = addresses_of(installation, host), Doors(installation)
        with _steps(session, 4) as step:
            step("secrets and broker")
            credentials = doors.broker("add", slug)
            step("territory into the services")
            load(installation, *LOADING)
            step("API client")
            doors.api("enable", slug)
            step("webhooks")
            doors.webhooks("enable", slug)
            refused, added = None, []
            if webhook is not None:
                try:
                    added = [doors.webhooks("add", slug, webhook)]
                except OperationError as error:
                    refused = error
        _hand_over(session, handover(addresses, credentials, added), output)
        if refused is not None:
            raise OperationError(f"everything is done but the webhook: {refused}")


@app.command()
def rotate(
    context: typer.Context,
    slug: _Slug,
    broker: Annotated[bool, typer.Option("--broker", help="A new password of the broker's user.")] = False,
    api_client: Annotated[bool, typer.Option("--api-client", help="New secrets of its API clients.")] = False,
    webhook: Annotated[bool, typer.Option("--webhook", help="New secrets of its active webhooks.")] = False,
    grace_hours: Annotated[
        float, typer.Option(min=0, max=720, help="How long webhooks are signed with the old secret as well.")
    ] = 24,
    output: _Output = None,
    host: _Host = None,
) -> None:
    """Make new credentials, and print them.

    The broker's old password is refused from now on, and who is connected with it is thrown out. An API
    client's old secret is refused; tokens that it fetched run out within ten minutes. Webhooks carry both
    signatures, so that the receiver can change over when it likes.
    """
    kinds = ["--broker"] * broker + ["--api-client"] * api_client
    if not (kinds or webhook):
        raise typer.BadParameter("say what: --broker, --api-client, --webhook")
    session = session_of(context)
    with failing():
        require_new(output)
        installation = session.installation()
        addresses, doors = addresses_of(installation, host), Doors(installation)
        credentials: dict[str, Any] = {"cooperative": slug}
        with _steps(session, bool(kinds) + api_client + webhook) as step:
            active = doors.active_webhooks(slug) if webhook else []
            if kinds:
                step("new secrets")
                credentials = doors.broker("rotate", slug, *kinds)
            if broker:
                restart_readers(installation, f"broker-{cooperative_user(slug)}")
            if api_client:
                step("API client")
                load(installation, "identity")
            if webhook:
                step("webhooks")
            grace = ("--grace-hours", str(grace_hours))
            renewed = [{**each, **doors.webhooks("rotate", each["id"], *grace)} for each in active]
        _hand_over(session, handover(addresses, credentials, renewed), output)


@app.command()
def disable(context: typer.Context, slug: _Slug) -> None:
    """Shut a cooperative's systems out: broker, API and webhooks, until `enable` or `add`.

    No later `up`, `servers` or `load` opens what this has shut.
    """
    session = session_of(context)
    with failing(), _steps(session, len(DOORS)) as step:
        changed = Doors(session.installation()).move("disable", slug, step)
    session.terminal.say(
        f"{slug}: its broker user cannot connect and is thrown out; its API clients cannot sign in (tokens"
        " given out before run out within ten minutes); nothing is sent to its webhooks."
    )
    session.terminal.say(
        "Untouched: its queue goes on to fill, for 14 days; its staff signs in at the portal; its bookings"
        " and its accreditation are the catalogue's matter, so citizens can go on to book it."
    )
    session.terminal.document({"cooperative": slug, "disabled": True, "changed": changed})


@app.command()
def enable(context: typer.Context, slug: _Slug) -> None:
    """Open again what `disable` has shut, with the credentials that were valid before."""
    session = session_of(context)
    with failing(), _steps(session, len(DOORS)) as step:
        changed = Doors(session.installation()).move("enable", slug, step)
    session.terminal.say(
        f"{slug}: broker, API and webhooks are open. What its webhooks missed is in the feed."
    )
    session.terminal.document({"cooperative": slug, "disabled": False, "changed": changed})


@contextmanager
def _steps(session: Session, total: int) -> Iterator[Callable[[str], None]]:
    """A bar; what is given is called with the name of each step as it begins."""
    with session.terminal.progress() as progress:
        task = progress.add_task("", total=total)
        begun = 0

        def step(name: str) -> None:
            nonlocal begun
            progress.update(task, description=name, completed=begun)
            begun += 1

        yield step
        progress.update(task, completed=total)


def _hand_over(session: Session, document: dict[str, Any], output: Path | None) -> None:
    if output is None:
        session.terminal.lines(in_words(document))
        session.terminal.say(
            "Send these secrets by a way that others do not read; a webhook's is not shown again."
        )
        session.terminal.document(document)
        return
    write_privately(output, json.dumps(document, indent=2) + "\n")
    session.terminal.say(f"Written to {output}, readable by its owner only.")
    session.terminal.document({"cooperative": document["cooperative"], "written_to": str(output)})
