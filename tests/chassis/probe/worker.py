"""The probe's handlers do as the event's data say, and leave rows behind."""

import os
import time
from collections.abc import Sequence

import pydantic
import sqlalchemy as sa

from services.chassis.database import Database
from services.chassis.jobs import Job
from services.chassis.messaging.received import PermanentFailure, Received, Subscription, one_by_one
from services.chassis.settings import ServiceSettings
from tests.chassis.probe.events import DONE, DOOMED

WORKER = str(os.getpid())
GATE = 1
"""An advisory lock."""


class Instructions(pydantic.BaseModel):
    fail_times: int = 0
    gate: bool = False
    """Wait, in the database, while a test holds the gate."""


def subscriptions(_settings: ServiceSettings, database: Database) -> Sequence[Subscription]:
    def follow(connection: sa.Connection, message: Received) -> None:
        instructions = message.parse(Instructions)
        with database.transaction() as other:  # stays whatever becomes of the handler's own transaction
            other.execute(sa.text("INSERT INTO tries (event_id) VALUES (:id)"), {"id": message.id})
            tries = other.scalar(
                sa.text("SELECT count(*) FROM tries WHERE event_id = :id"), {"id": message.id}
            )
        connection.execute(
            sa.text("INSERT INTO effect (event_id, worker) VALUES (:id, :worker)"),
            {"id": message.id, "worker": WORKER},
        )
        if instructions.gate:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock_shared(:gate)"), {"gate": GATE})
        if tries <= instructions.fail_times:
            raise RuntimeError("this may pass")

    def refuse(_connection: sa.Connection, _message: Received) -> None:
        raise PermanentFailure("doomed from the start")

    return [
        Subscription("probe.follow", frozenset({DONE}), one_by_one(follow)),
        Subscription("probe.refuse", frozenset({DOOMED}), one_by_one(refuse)),
    ]


def jobs(_settings: ServiceSettings, _database: Database) -> Sequence[Job]:
    def tick(database: Database) -> None:
        with database.transaction() as connection:
            turn = connection.scalar(sa.text("INSERT INTO turn (job) VALUES ('tick') RETURNING id"))
        time.sleep(0.05)  # a turn lasts, as work does: only then could another one fall into it
        with database.transaction() as connection:
            connection.execute(
                sa.text("UPDATE turn SET ended_at = clock_timestamp() WHERE id = :id"), {"id": turn}
            )

    def stumble(_database: Database) -> None:
        raise RuntimeError("every time")

    return [Job("tick", 0.2, tick), Job("stumble", 0.5, stumble)]
