"""Vouchers end with their last day."""

from __future__ import annotations

from typing import Final

from services.chassis.civil_time import local_day
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.vouchers.persistence import expiry

BATCH: Final = 200


def expire_vouchers(database: Database, clock: Clock) -> int:
    """Expire up to BATCH vouchers whose last local day is over and that no open hold keeps; returns how many.

    What was available becomes expired, and their budgets regain what it bound, in the same transaction.
    """
    now = clock.now()
    today = local_day(now)
    with database.transaction() as connection:
        due = expiry.lock_due(connection, today, BATCH)
        if due:
            expiry.expire(connection, due, now)
    return len(due)
