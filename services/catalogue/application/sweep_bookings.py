"""Let held bookings lapse whose time is over, so that nobody's seat stays taken by a request that died."""

from __future__ import annotations

from typing import Final

from services.catalogue.persistence.bookings import Bookings
from services.chassis.clock import Clock

SWEEPER: Final = "sweeper"
BATCH: Final = 500


def sweep_bookings(bookings: Bookings, clock: Clock, limit: int = BATCH) -> int:
    """Lapses at most `limit` bookings, each with its event, and returns how many."""
    for swept in range(limit):
        if bookings.lapse_next_overdue(SWEEPER, clock.now()) is None:
            return swept
    return limit
