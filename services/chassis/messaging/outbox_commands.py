"""`outbox again`: what an operator does when the broker lost what it had confirmed."""

from datetime import UTC, datetime
from typing import Annotated

import sqlalchemy as sa
import typer

from services.chassis.database import Database
from services.chassis.definition import ServiceDefinition
from services.chassis.messaging.tables import messaging_tables
from services.chassis.process import fail, failing, start

_Since = Annotated[
    str,
    typer.Option("--since", help="An instant in ISO 8601; without an offset, in UTC: 2026-11-23T14:00:00"),
]


def application(definition: ServiceDefinition) -> typer.Typer:
    """The commands on the outbox of one service."""
    app = typer.Typer(help="Events of this service.", no_args_is_help=True)

    @app.callback()
    def commands() -> None:
        """Kept, so that `again` is a command of its own even as long as it is the only one."""

    @app.command()
    def again(since: _Since) -> None:
        """Have the relay publish again every event published since then.

        For a broker that was restored from a backup, or a binding that was missing: an event published while
        a queue was not bound is confirmed because of the other queues. Whoever had it already recognises it
        by its id.
        """
        instant = _instant(since)
        with failing():
            database = Database.from_settings(start(definition, "outbox"), f"{definition.name}-outbox")
            try:
                with database.transaction() as connection:
                    count = publish_again(connection, instant)
            finally:
                database.dispose()
        typer.echo(f"{count} events will be published again")

    return app


def publish_again(connection: sa.Connection, since: datetime) -> int:
    """Let every event published at `since` or later be published again; how many."""
    outbox = messaging_tables(sa.MetaData()).outbox
    statement = (
        sa.update(outbox)
        .where(outbox.c.published_at >= since)
        .values(published_at=None, attempts=0, next_attempt_at=sa.func.now())
    )
    return connection.execute(statement).rowcount


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is not an instant like 2026-11-23T14:00:00")
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
