"""`dlq list | show | redrive | discard`: what an operator does with messages that could not be handled."""

import json
from collections.abc import Collection
from typing import Annotated

import typer

from services.chassis.definition import ServiceDefinition
from services.chassis.messaging.dead_letters import DeadLetters, Wanted
from services.chassis.messaging.delivery import FAILED_AT, Delivery
from services.chassis.process import fail, failing, start

_Ids = Annotated[list[str] | None, typer.Argument(help="Ids, as `list` shows them.")]
_All = Annotated[bool, typer.Option("--all", help="Every dead letter.")]
_Type = Annotated[str | None, typer.Option("--type", help="Every dead letter of this event type.")]


def application(definition: ServiceDefinition) -> typer.Typer:
    """The commands on the dead letters of one service."""
    app = typer.Typer(help="Messages that could not be handled.", no_args_is_help=True)

    def dead_letters() -> DeadLetters:
        return DeadLetters(start(definition, "dlq").amqp_url, definition.name)

    @app.command("list")
    def list_() -> None:
        """One line of JSON for each dead letter, oldest first."""
        with failing():
            for delivery in dead_letters().matching():
                typer.echo(json.dumps(_summary(delivery)))

    @app.command()
    def show(message_id: str) -> None:
        """Headers and body of one dead letter, as JSON."""
        with failing():
            found = dead_letters().matching(_wanted([message_id], None, everything=False))
        if not found:
            fail(f"no dead letter has the id {message_id}")
        for delivery in found:
            body = delivery.body.decode("utf-8", "backslashreplace")
            typer.echo(
                json.dumps(
                    _summary(delivery) | {"headers": dict(delivery.headers), "body": body},
                    default=str,
                    indent=2,
                    skipkeys=True,  # names of headers that are no text
                )
            )

    @app.command()
    def redrive(ids: _Ids = None, everything: _All = False, event_type: _Type = None) -> None:
        """Have messages handled again, as if they had never failed."""
        with failing():
            count = dead_letters().redrive(_wanted(ids, event_type, everything=everything))
        typer.echo(f"{count} redriven")

    @app.command()
    def discard(ids: _Ids = None, everything: _All = False, event_type: _Type = None) -> None:
        """Delete messages for good."""
        with failing():
            count = dead_letters().discard(_wanted(ids, event_type, everything=everything))
        typer.echo(f"{count} discarded")

    return app


def _wanted(ids: Collection[str] | None, event_type: str | None, *, everything: bool) -> Wanted:
    if sum((bool(ids), event_type is not None, everything)) != 1:
        fail("say which: ids, or --type, or --all")
    if ids:
        return lambda delivery: _id(delivery) in ids
    return lambda delivery: everything or _type(delivery) == event_type


def _id(delivery: Delivery) -> str:
    return str(delivery.headers.get("ce-id") or delivery.message_id or "-")


def _type(delivery: Delivery) -> str:
    return str(delivery.headers.get("ce-type") or delivery.type or "-")


def _summary(delivery: Delivery) -> dict[str, str | int]:
    return {
        "id": _id(delivery),
        "type": _type(delivery),
        "subject": str(delivery.headers.get("ce-subject", "-")),
        "failures": delivery.failures,
        "failed_at": str(delivery.headers.get(FAILED_AT, "-")),
        "reason": delivery.reason,
    }
