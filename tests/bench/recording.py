"""A booking as the services execute it, once, while their SQL is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.catalogue.application.book_slot import BookSlot, BookSlotCommand
from services.catalogue.application.booking_events import BOOKING_EVENTS
from services.catalogue.domain.booking import Booking
from services.catalogue.persistence.bookings import Bookings
from services.chassis.caller import Caller
from services.chassis.clock import SystemClock
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.vouchers.application.hold_voucher import HoldCommand, HoldVoucher
from tests.bench.statements import FRESH_TEXT, Transaction, fresh_id, recorded

TARGET_COLUMNS = ("person", "voucher", "provider", "slot", "service_date")
"""For whom and what is booked: the columns of `bench_target`, and the variables of a script."""
_KEY, _ACTOR = "the-key", "the-actor"


@dataclass(frozen=True)
class Recorded:
    """A booking that was made and the transactions that made it. It stays in the database."""

    booking: Booking
    transactions: list[Transaction]


def booking(database: Database, target: Mapping[str, str], *, with_voucher: bool) -> Recorded:
    """What catalogue executes for a booking; the voucher's side agrees without being asked."""
    command = BookSlotCommand(
        slot_id=UUID(target["slot"]),
        person_id=None,
        voucher_id=UUID(target["voucher"]) if with_voucher else None,
        idempotency_key=_KEY,
        request=b"the request",
    )
    booking_id = new_id()
    bookings = Bookings(database, BOOKING_EVENTS)
    book = BookSlot(bookings, _AgreeingVouchers(), lambda *_: None, SystemClock(), lambda: booking_id)
    with recorded(database) as transactions:
        booked = book(command, _caller(target))
    with database.transaction() as connection:  # the key may be used again
        connection.exec_driver_sql("DELETE FROM idempotency WHERE actor = %(actor)s", {"actor": _ACTOR})
    return Recorded(booked, transactions)


def hold(database: Database, booked: Booking) -> list[Transaction]:
    """What vouchers executes for that booking."""
    assert booked.voucher_id is not None
    command = HoldCommand(
        booking_id=booked.id,
        voucher_id=booked.voucher_id,
        person_id=booked.person_id,
        provider=booked.provider,
        service=booked.service,
        service_date=booked.service_date,
        minutes=booked.minutes,
        cents=booked.price_cents,
    )
    with recorded(database) as transactions:
        HoldVoucher(database, SystemClock())(Caller(subject=_ACTOR, person=booked.person_id), command)
    return transactions


def variables(target: Mapping[str, str], booked: Booking) -> dict[Any, str]:
    """What differs from booking to booking, and what a script says instead."""
    return {
        UUID(target["person"]): ":person::uuid",
        UUID(target["slot"]): ":slot::uuid",
        UUID(target["voucher"]): ":voucher::uuid",
        target["provider"]: ":provider",
        date.fromisoformat(target["service_date"]): ":service_date::date",
        booked.id: fresh_id(0),
        _KEY: FRESH_TEXT,
        _ACTOR: ":person",
    }


class _AgreeingVouchers:
    def hold(self, booking: Booking, caller: Caller) -> None:
        """Nothing speaks against it."""


def _caller(target: Mapping[str, str]) -> Caller:
    return Caller(subject=_ACTOR, person=UUID(target["person"]))
