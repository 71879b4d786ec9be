"""A worker with a full queue: visits that took place, each of which uses up a voucher.

For each event the worker writes an inbox row, consumes a hold (hold, voucher, ledger entry) and, because
nothing is left on the voucher, writes an event of its own into the outbox.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.chassis.database import Database
from services.chassis.messaging.delivery import ROUTING_KEY
from services.chassis.messaging.envelope import to_message
from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.processing import Outcome, Processor
from services.chassis.messaging.publisher import ConfirmingPublisher
from services.chassis.messaging.topology import Names
from services.contracts.events.catalogue import BookingDelivered
from services.vouchers.entrypoints.worker import subscriptions
from services.vouchers.persistence.tables import messaging
from services.vouchers.settings import VouchersSettings
from tests.bench import pgbench, raw_pipeline
from tests.bench.apart import Apart
from tests.bench.bookings import CATALOGUE, outbox_row
from tests.bench.holds import Holds
from tests.bench.scenarios import Generator
from tests.bench.scratch import Scratch
from tests.bench.statements import COUNT, Script, as_script, fresh_id, recorded
from tests.support.processes import ProgramRun

_SERVICE = "vouchers"
_QUEUE = Names(_SERVICE).queue
_CLIENTS = 16
_AT_ONCE: int = VouchersSettings.model_fields["worker_prefetch"].default
_MOST_PER_SECOND = 6_000.0
"""More than pgbench can do of these statements, as long as nothing is known: it must not run out of holds."""
_BARE_EVENTS = 2_000
_BATCH = 500


class WorkerWork:
    """Vouchers' worker."""

    limit_is = f"pgbench, the same transaction for each event, {_CLIENTS} clients"

    def __init__(self, admin_url: str, apart: Apart, generator: Generator) -> None:
        self._apart = apart
        self._generator = generator
        self._scratch = Scratch(admin_url, _SERVICE, purpose="worker")
        self._database = Database(self._scratch.sqlalchemy_url, pool_size=1, statement_timeout_ms=60_000)
        self._publisher = ConfirmingPublisher(apart.broker_url, name="bench-worker")
        self._holds = Holds(self._database, clients=_CLIENTS)
        self._bare: list[float] = []
        self._most_per_second = _MOST_PER_SECOND
        self._empty()  # of what the source had
        self._script = self._record()

    def limit(self, seconds: float) -> float:
        """Of the databases; the broker alone is measured, too, for the notes."""
        self._publish([_delivered(UUID(int=number)) for number in range(_BARE_EVENTS)])
        queue = self._apart.broker_url, _QUEUE
        self._bare.append(
            self._generator.call(raw_pipeline.consume, *queue, prefetch=_AT_ONCE, count=_BARE_EVENTS)
        )
        start, bookings = self._holds.make(int(self._most_per_second * max(1.0, seconds)))
        url, variables = self._scratch.url, {"n": start}
        outcome = pgbench.run(url, [self._script], seconds=seconds, clients=_CLIENTS, variables=variables)
        ended = self._holds.ended(bookings)
        if ended != outcome.runs:
            raise RuntimeError(f"{outcome.runs} runs of pgbench consumed {ended} holds")
        self._most_per_second = 3 * outcome.per_second
        self._empty()
        return outcome.per_second

    def notes(self) -> dict[str, Any]:
        return {
            "prefetch": _AT_ONCE,
            "broker_alone_events_per_second": [round(each, 1) for each in self._bare],
        }

    def fill(self, count: int) -> None:
        """Open holds, and the news of their visits."""
        _, bookings = self._holds.make(count)
        self._publish([_delivered(booking) for booking in bookings[:count]])

    def process(self) -> AbstractContextManager[ProgramRun]:
        return self._apart.process(_SERVICE, "worker", self._scratch.sqlalchemy_url)

    def done(self) -> int:
        with self._database.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(messaging.inbox)) or 0

    def stamps(self) -> list[datetime]:
        """When each one's transaction began."""
        received = messaging.inbox.c.received_at
        with self._database.read() as connection:
            found = list(connection.scalars(sa.select(received).order_by(received)))
            told = connection.scalar(sa.select(sa.func.count()).select_from(messaging.outbox))
        if told != len(found):
            raise RuntimeError(f"{len(found)} visits used up {told} vouchers")
        return found

    def clear(self) -> None:
        self._empty()
        self._apart.empty()

    def close(self) -> None:
        self._publisher.close()
        self._database.dispose()
        self._scratch.close()

    def _record(self) -> Script:
        """What the worker executes for one event."""
        _, (booking, *_) = self._holds.make(1)
        settings = VouchersSettings.model_construct()
        processor = Processor(
            self._database,
            messaging,
            subscriptions(settings, self._database),
            at_once=_AT_ONCE,
            database_wait_seconds=0,
            stopping=threading.Event(),
        )
        message = _delivered(booking)
        with recorded(self._database) as transactions:
            verdict = processor.process(
                message.headers,
                content_type=message.content_type,
                routing_key=message.routing_key,
                body=message.body,
            )
        if verdict.outcome is not Outcome.DONE:
            raise RuntimeError(verdict.reason)
        self._empty()
        return as_script(transactions, {booking: fresh_id(0)}, beginning=COUNT)

    def _publish(self, messages: list[Outgoing]) -> None:
        for start in range(0, len(messages), _BATCH):
            refused = self._publisher.publish(messages[start : start + _BATCH])
            assert not refused, refused

    def _empty(self) -> None:
        with self._database.transaction() as connection:
            connection.execute(sa.text("TRUNCATE inbox, outbox"))


def _delivered(booking: UUID) -> Outgoing:
    """The news of a visit, for this worker's queue only."""
    message = to_message(outbox_row(BookingDelivered, booking, "a-cooperative"), CATALOGUE)
    headers = {**message.headers, ROUTING_KEY: message.routing_key}
    return replace(message, exchange="", routing_key=_QUEUE, headers=headers)
