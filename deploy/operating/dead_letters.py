"""`dlq list | show | redrive | discard`: messages that a service could not handle."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Final

import typer

from deploy.broker.topology import SERVICES
from deploy.operating.installation import Installation, OperationError, documents
from deploy.operating.service_commands import answer_of_service
from deploy.operating.terminal import Exit, failing, session_of

app = typer.Typer(help="Messages that a service could not handle.", no_args_is_help=True)

_KINDS: Final = ("worker", "relay")
"""Processes that reach the broker; a worker that dies of a message may not be running."""
_COLUMNS: Final = ("service", "id", "type", "failures", "failed_at", "reason")

_Service = Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")]
_Ids = Annotated[list[str] | None, typer.Argument(help="Ids, as `list` shows them.")]
_All = Annotated[bool, typer.Option("--all", help="Every dead letter of the service.")]
_Type = Annotated[str | None, typer.Option("--type", help="Every dead letter of this event type.")]


@app.command("list")
def list_(
    context: typer.Context,
    service: Annotated[str | None, typer.Argument(help="Only of this service.")] = None,
) -> None:
    """Every dead letter, oldest first. Ends with 1 if there is one."""
    session = session_of(context)
    with failing():
        wanted = SERVICES if service is None else (_known(service),)
        installation = session.installation()
        with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
            found = pool.map(lambda each: _dead_letters(installation, each), wanted)
            letters = [letter for several in found for letter in several]
    if letters:
        session.terminal.table(_COLUMNS, [[each[name] for name in _COLUMNS] for each in letters])
    session.terminal.say(f"{len(letters)} dead letters." if letters else "There are no dead letters.")
    session.terminal.document(letters)
    if letters:
        raise typer.Exit(Exit.FOUND)


@app.command()
def show(context: typer.Context, service: _Service, message_id: str) -> None:
    """Headers and body of one dead letter. It may hold what is meant for the service alone."""
    session = session_of(context)
    with failing():
        printed = _dlq(session.installation(), service, "show", message_id)
    letter = json.loads(printed[printed.index("{\n") :])
    session.terminal.say(session.terminal.plain(json.dumps(letter, indent=2, ensure_ascii=False)))
    session.terminal.document(letter)


@app.command()
def redrive(
    context: typer.Context,
    service: _Service,
    ids: _Ids = None,
    everything: _All = False,
    event_type: _Type = None,
) -> None:
    """Have messages handled again, as if they had never failed; after what they failed of was put right."""
    _decide(context, service, "redrive", _selection(ids, event_type, everything=everything))


@app.command()
def discard(
    context: typer.Context,
    service: _Service,
    ids: _Ids = None,
    everything: _All = False,
    event_type: _Type = None,
) -> None:
    """Delete messages for good: what they tell, the service will never know."""
    _decide(context, service, "discard", _selection(ids, event_type, everything=everything))


def _decide(context: typer.Context, service: str, command: str, selection: list[str]) -> None:
    session = session_of(context)
    with failing():
        answer = _dlq(session.installation(), service, command, *selection).splitlines()[-1]
    session.terminal.say(f"{service}: {answer}")
    session.terminal.document({"service": service, "count": int(answer.split()[0])})


def _dead_letters(installation: Installation, service: str) -> list[dict[str, Any]]:
    return [{"service": service, **line} for line in documents(_dlq(installation, service, "list"))]


def _dlq(installation: Installation, service: str, *arguments: str) -> str:
    return answer_of_service(installation, _known(service), "dlq", *arguments, kinds=_KINDS)


def _selection(ids: list[str] | None, event_type: str | None, *, everything: bool) -> list[str]:
    if sum((bool(ids), event_type is not None, everything)) != 1:
        raise typer.BadParameter("say which: ids, or --type, or --all")
    if event_type is not None:
        return ["--type", event_type]
    return ["--all"] if everything else list(ids or ())


def _known(service: str) -> str:
    if service not in SERVICES:
        raise OperationError(f"there is no service {service!r}: {', '.join(SERVICES)}")
    return service
