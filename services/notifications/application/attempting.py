"""What attempts of every kind share: recording what happened, even if the database is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from services.chassis.backoff import Backoff
from services.chassis.clock import Clock
from services.chassis.refusal import Unavailable

Recorded = TypeVar("Recorded")


def record_before(deadline: datetime, clock: Clock, record: Callable[[], Recorded]) -> Recorded:
    """Calls `record` until it succeeds, and returns what it returned. Raises Unavailable once the lease has
    ended: somebody will attempt it again.

    Something was sent and must not be sent twice merely because the database was away for a moment.
    """
    pauses = Backoff(maximum_seconds=2.0)
    while True:
        try:
            return record()
        except Unavailable:
            if clock.now() >= deadline:
                raise
            time.sleep(pauses.next_seconds())
