"""What the worker tells of seats and bookings, as metrics."""

from __future__ import annotations

from prometheus_client import Gauge

from services.catalogue.persistence.reconciliation import overdue_seconds, seat_differences
from services.chassis.clock import SystemClock
from services.chassis.database import Database

_differences = Gauge("seat_differences", "Slots whose taken seats are not their bookings")
_overdue = Gauge(
    "bookings_held_overdue_seconds", "How long the longest overdue held booking has been overdue"
)


def reconcile(database: Database) -> None:
    """Compares what is kept twice."""
    with database.read() as connection:
        _differences.set(sum(1 for _ in seat_differences(connection)))


def tell_overdue(database: Database) -> None:
    """A held booking that is over and still there: the sweeper does not do its work."""
    with database.read() as connection:
        _overdue.set(overdue_seconds(connection, SystemClock().now()))
