"""A relay with a full outbox: confirmed bookings, each for two quorum queues, as in life."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.catalogue.persistence.tables import messaging
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.messaging.envelope import to_message
from services.contracts.events.catalogue import BookingConfirmed
from tests.bench import raw_pipeline
from tests.bench.apart import Apart
from tests.bench.bookings import CATALOGUE, outbox_row
from tests.bench.scenarios import Generator
from tests.bench.scratch import Scratch
from tests.support.processes import ProgramRun

_OUTBOX = messaging.outbox


class RelayWork:
    """Catalogue's relay."""

    limit_is = "the broker alone: the same message to the same exchange, published with confirms, pipelined"

    def __init__(self, admin_url: str, apart: Apart, generator: Generator, *, cooperative: str) -> None:
        """`cooperative`: one that has a queue."""
        self._apart = apart
        self._generator = generator
        self._row = outbox_row(BookingConfirmed, new_id(), cooperative)
        self._scratch = Scratch(admin_url, CATALOGUE, purpose="relay")
        self._database = Database(self._scratch.sqlalchemy_url, pool_size=1)

    def limit(self, seconds: float) -> float:
        url, message = self._apart.broker_url, to_message(self._row, CATALOGUE)
        found = self._generator.call(raw_pipeline.publish, url, message, seconds=seconds)
        self._apart.empty()
        return found

    def notes(self) -> dict[str, Any]:
        return {}

    def fill(self, count: int) -> None:
        """One transaction; each event is about a booking of its own."""
        self._empty()  # what the source had, too
        own = {
            "event_id": sa.func.gen_random_uuid(),
            "subject": sa.cast(sa.func.gen_random_uuid(), sa.Text),
        }
        values = {
            name: own.get(name, sa.literal(value, _OUTBOX.c[name].type)) for name, value in self._row.items()
        }
        rows = sa.select(*values.values()).select_from(sa.func.generate_series(1, count).alias())
        with self._database.transaction() as connection:
            connection.execute(sa.insert(_OUTBOX).from_select(list(values), rows))

    def process(self) -> AbstractContextManager[ProgramRun]:
        return self._apart.process(CATALOGUE, "relay", self._scratch.sqlalchemy_url)

    def done(self) -> int:
        with self._database.read() as connection:
            return connection.scalar(sa.select(sa.func.count(_OUTBOX.c.published_at))) or 0

    def stamps(self) -> list[datetime]:
        query = sa.select(_OUTBOX.c.published_at).order_by(_OUTBOX.c.published_at)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def clear(self) -> None:
        self._empty()
        self._apart.empty()

    def close(self) -> None:
        self._database.dispose()
        self._scratch.close()

    def _empty(self) -> None:
        with self._database.transaction() as connection:
            connection.execute(sa.text("TRUNCATE outbox"))
