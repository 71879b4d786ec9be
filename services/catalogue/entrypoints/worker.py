"""What the worker does: remember persons, let held bookings lapse, make the slots of the days to come."""

from __future__ import annotations

from collections.abc import Sequence

from services.catalogue.application.booking_events import BOOKING_EVENTS
from services.catalogue.application.materialise_slots import materialise_slots
from services.catalogue.application.remember_person import EVENT_TYPES, remember_person
from services.catalogue.application.sweep_bookings import sweep_bookings
from services.catalogue.entrypoints import figures
from services.catalogue.persistence.bookings import Bookings
from services.catalogue.settings import Settings
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.jobs import Job
from services.chassis.messaging.received import Subscription, one_by_one

SWEEP_SECONDS = 5
SLOTS_SECONDS = 3_600
OVERDUE_SECONDS = 5


def subscriptions(settings: Settings, database: Database) -> Sequence[Subscription]:  # noqa: ARG001 - as asked for
    """Identity's news of persons."""
    return [Subscription("catalogue.remember-person", EVENT_TYPES, one_by_one(remember_person))]


def jobs(settings: Settings, database: Database) -> Sequence[Job]:
    """The sweeper, slots, a look at what is kept twice; old rows of messaging are the relay's to purge."""
    clock = SystemClock()
    bookings = Bookings(database, BOOKING_EVENTS)

    def sweep(_database: Database) -> None:
        sweep_bookings(bookings, clock)

    def slots(database: Database) -> None:
        materialise_slots(database, clock)

    return [
        Job("sweep", SWEEP_SECONDS, sweep),
        Job("slots", SLOTS_SECONDS, slots),
        Job("reconcile", settings.reconcile_every_seconds, figures.reconcile),
        Job("overdue", OVERDUE_SECONDS, figures.tell_overdue, in_every_process=True),
    ]
