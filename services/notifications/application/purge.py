"""Removing what is no longer needed, a bounded piece at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.logs import get_logger
from services.notifications.persistence.deliveries import purge_deliveries
from services.notifications.persistence.emails import purge_emails
from services.notifications.persistence.feed import purge_feed
from services.notifications.persistence.messages import purge_messages

BATCH_ROWS = 500
BATCHES_PER_TURN = 20

_log = get_logger(__name__)


class Retention(Protocol):
    """How long things are kept, in days; the settings."""

    @property
    def message_retention_days(self) -> int: ...
    @property
    def email_retention_days(self) -> int: ...
    @property
    def delivery_log_retention_days(self) -> int: ...
    @property
    def feed_retention_days(self) -> int: ...


class _PurgeBatch(Protocol):
    def __call__(self, connection: sa.Connection, *, before: datetime, limit: int) -> int: ...


def purge(database: Database, clock: Clock, retention: Retention) -> None:
    """Removes messages, finished e-mails, ended deliveries and feed events past their retention, and gives up
    deliveries that nobody will ever send: at most 20 batches of 500 rows of each, every batch in a
    transaction of its own. Deliveries before the events they were made from.
    """
    now = clock.now()
    plan: tuple[tuple[str, _PurgeBatch, int], ...] = (
        ("messages", purge_messages, retention.message_retention_days),
        ("emails", purge_emails, retention.email_retention_days),
        ("deliveries", purge_deliveries, retention.delivery_log_retention_days),
        ("feed", purge_feed, retention.feed_retention_days),
    )
    for what, batch, days in plan:
        if removed := _in_batches(database, batch, now - timedelta(days=days)):
            _log.info("purged", what=what, rows=removed)


def _in_batches(database: Database, batch: _PurgeBatch, before: datetime) -> int:
    removed = 0
    for _ in range(BATCHES_PER_TURN):
        with database.transaction() as connection:
            count = batch(connection, before=before, limit=BATCH_ROWS)
        removed += count
        if count < BATCH_ROWS:
            break
    return removed
