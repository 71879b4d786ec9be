"""What identity's worker does: it writes down reads elsewhere, and keeps house."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.jobs import Job
from services.chassis.messaging.received import Subscription, one_by_one
from services.identity import bootstrap
from services.identity.application import on_file_read, purge
from services.identity.settings import IdentitySettings

_MINUTE = 60.0


def subscriptions(settings: IdentitySettings, _database: Database) -> Sequence[Subscription]:
    """Reads of persons' data in other services."""
    handler = on_file_read.OnFileRead(bootstrap.personal_data(settings))
    return [Subscription("identity.file-reads", on_file_read.EVENT_TYPES, one_by_one(handler))]


def jobs(settings: IdentitySettings, _database: Database) -> list[Job]:
    """Bounded housekeeping; retention of outbox and idempotency keys is common to all services."""
    clock = SystemClock()

    def sessions(database: Database) -> None:
        purge.purge_sessions(database, clock, kept_for=timedelta(days=settings.session_retention_days))

    def throttles(database: Database) -> None:
        purge.purge_throttles(database, clock, most_rows=settings.throttle_rows)

    def delegations(database: Database) -> None:
        purge.expire_delegations(database, clock)

    return [
        Job("purge-sessions", 5 * _MINUTE, sessions),
        Job("purge-throttles", _MINUTE, throttles),
        Job("expire-delegations", 10 * _MINUTE, delegations),
    ]
