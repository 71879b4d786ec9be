"""What the worker does: reactions to events, and the daily end of vouchers."""

from __future__ import annotations

from collections.abc import Sequence

from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.jobs import Job
from services.chassis.messaging import Subscription
from services.contracts.events.catalogue import BookingDelivered, ProviderPublished, ServicePublished
from services.vouchers import bootstrap
from services.vouchers.application import keep_copies, on_booking_ended
from services.vouchers.application.expire_vouchers import expire_vouchers
from services.vouchers.application.on_booking_delivered import OnBookingDelivered
from services.vouchers.application.on_booking_ended import OnBookingEnded
from services.vouchers.settings import VouchersSettings


def subscriptions(_settings: VouchersSettings, _database: Database) -> Sequence[Subscription]:
    """Bookings move holds; everything else is kept as a copy."""
    clock = SystemClock()
    return [
        Subscription("vouchers.persons", keep_copies.PERSON_EVENTS, keep_copies.keep_person),
        Subscription(
            "vouchers.providers", frozenset({ProviderPublished.event_type()}), keep_copies.keep_provider
        ),
        Subscription(
            "vouchers.services", frozenset({ServicePublished.event_type()}), keep_copies.keep_service
        ),
        Subscription("vouchers.bookings-ended", frozenset(on_booking_ended.EVENTS), OnBookingEnded(clock)),
        Subscription(
            "vouchers.bookings-delivered",
            frozenset({BookingDelivered.event_type()}),
            OnBookingDelivered(bootstrap.outbox(), clock),
        ),
    ]


def jobs(settings: VouchersSettings, _database: Database) -> Sequence[Job]:
    """Vouchers expire a batch at a time."""

    def expire(database: Database) -> None:
        expire_vouchers(database, SystemClock())

    return [Job("vouchers.expiry", settings.expiry_every_seconds, expire)]
