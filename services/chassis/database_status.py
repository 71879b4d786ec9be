"""What a running process tells of its service's database, for those who operate it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from services.chassis.database import Database
from services.chassis.definition import ServiceDefinition
from services.chassis.ops import CannotTellError
from services.chassis.refusal import Unavailable


def database_status(database: Database, definition: ServiceDefinition) -> dict[str, Any]:
    """Its migrations beside those of this code (`database`, `code`, `agreement`), and its outbox
    (`waiting`, `oldest_seconds`), None where there is none yet. CannotTellError if it does not answer.
    """
    # Loaded when somebody asks: no process needs Alembic for its work, and starts the sooner without it.
    from services.chassis.messaging.pending import Pending
    from services.chassis.messaging.tables import messaging_tables
    from services.chassis.migrations import versions

    pending = Pending(messaging_tables(sa.MetaData()), retry_maximum_seconds=1)
    try:
        with database.read() as connection:
            known = versions(connection, definition.migrations)
            outbox = None
            if known.database is not None:
                backlog = pending.backlog(connection)
                outbox = {"waiting": backlog.count, "oldest_seconds": round(backlog.oldest_age_seconds, 3)}
    except Unavailable as error:
        reason = str(error.__cause__ or error).partition("\n")[0]
        raise CannotTellError(f"the database does not answer: {reason}") from error
    return {"migrations": asdict(known), "outbox": outbox}
