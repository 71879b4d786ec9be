"""Cancel a confirmed booking: by the person's side, the cooperative, or the comune's offices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from services.catalogue.application.access import cancels_as, require_visible
from services.catalogue.application.reasons import Reasons
from services.catalogue.domain.booking import CANCEL, Booking, why_not
from services.catalogue.domain.notice import cancellable_until
from services.catalogue.domain.refusals import BookingStarted, BookingTooLateToCancel
from services.catalogue.persistence.bookings import Bookings
from services.catalogue.persistence.rules import calendar, rules
from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.refusal import InvalidField, Unavailable


class CancelBooking:
    """Returns the cancelled booking; its seat is free, and its voucher's hold will be.

    A cooperative and an office must give a `reason`. Citizens must keep the notice of the ambito's rule.
    After the visit has begun only an office cancels: it closes a visit that never took place or cannot be
    proven.
    """

    def __init__(self, bookings: Bookings, reasons: Reasons, database: Database, clock: Clock) -> None:
        self._bookings = bookings
        self._reasons = reasons
        self._database = database
        self._clock = clock

    def __call__(self, booking_id: UUID, reason: str | None, caller: Caller) -> Booking:
        booking = require_visible(self._bookings.get(booking_id), caller)
        canceller = cancels_as(booking, caller)
        if canceller != "citizen" and reason is None:
            raise InvalidField(field="reason", it="Il motivo è obbligatorio.", en="The reason is required.")
        now = self._clock.now()
        if (refusal := why_not(booking.state, CANCEL)) is not None:
            raise refusal
        if booking.starts_at <= now and canceller != "service":
            raise BookingStarted
        if canceller == "citizen":
            self._check_notice(booking, now)
        sealed = None if reason is None else self._reasons.seal(booking_id, reason)
        cancelled = self._bookings.cancel(booking_id, canceller, sealed, caller.subject, now)
        if cancelled is not None:
            return cancelled
        # Somebody was faster: say what the booking has become.
        moved = require_visible(self._bookings.get(booking_id), caller)
        raise why_not(moved.state, CANCEL) or Unavailable(retry_after_seconds=1)

    def _check_notice(self, booking: Booking, now: datetime) -> None:
        with self._database.read() as connection:
            rule = rules(connection)
            free = _free_days(connection, booking.comune) if rule.notice_skips_holidays else _none
        until = cancellable_until(booking.starts_at, rule.cancellation_notice, rule.zone, free)
        if now > until:
            local = until.astimezone(rule.zone).isoformat(timespec="minutes")
            raise BookingTooLateToCancel(cancellable_until=local)


def _free_days(connection: sa.Connection, comune: str) -> Callable[[date], bool]:
    days = calendar(connection)
    return lambda day: days.is_free_day(day, comune)


def _none(_day: date) -> bool:
    return False
