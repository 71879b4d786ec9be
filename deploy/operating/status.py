"""`status`: each process, its version, its health."""

from __future__ import annotations

import typer

from deploy.operating.installation import health_of, service_of
from deploy.operating.terminal import Exit, failing, session_of


def status(context: typer.Context) -> None:
    """What runs, in which version, and how it is. Ends with 1 if something is not well."""
    session = session_of(context)
    with failing():
        rows = [
            {
                "service": service_of(each),
                "container": each.name,
                "image": each.attrs["Config"]["Image"],
                "health": health_of(each),
                "restarts": each.attrs["RestartCount"],
            }
            for each in session.installation().containers()
        ]
    session.terminal.table(list(rows[0]) if rows else [], [list(row.values()) for row in rows])
    session.terminal.document({"processes": rows})
    if not rows or any(row["health"] not in {"healthy", "running"} for row in rows):
        raise typer.Exit(Exit.FOUND)
