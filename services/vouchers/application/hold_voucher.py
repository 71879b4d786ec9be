"""A booking holds what it needs on a voucher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.refusal import Unavailable
from services.contracts.access import BOOK
from services.contracts.forms import Slug
from services.vouchers.application.fields import Command, Day
from services.vouchers.domain.refusals import (
    BookingAlreadyReleased,
    BookingHeldDifferently,
    NotYourVoucher,
    VoucherNotFound,
)
from services.vouchers.domain.voucher import Voucher, Wanted, reason_against
from services.vouchers.persistence import holds, vouchers
from services.vouchers.persistence.holds import HoldRow, Reservation, WantedHold

_ATTEMPTS = 3


class HoldCommand(Command):
    """What a booking needs. A voucher in minutes is held for `minutes`, one in cents for `cents`, the visit's
    price.
    """

    booking_id: UUID
    voucher_id: UUID
    person_id: UUID
    provider: Slug
    service: Slug
    service_date: Day
    minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    cents: Annotated[int, Field(ge=0, le=10_000_000)]


@dataclass(frozen=True, slots=True)
class HoldVoucher:
    """Reserves on vouchers. The hot path: one statement when the answer is yes."""

    database: Database
    clock: Clock

    def __call__(self, caller: Caller, command: HoldCommand) -> Reservation:
        """What is reserved; the same for every repetition. Who may book for the person.

        Refuses with NotYourVoucher, VoucherNotFound, ServiceNotCovered, VoucherNotYetValid, VoucherExpired,
        ProviderNotChosen, VoucherExhausted, BookingAlreadyReleased, BookingHeldDifferently; then nothing
        changed.
        """
        caller.require_known()
        if not caller.may_act_for(command.person_id, BOOK):
            raise NotYourVoucher(field="person_id")
        wanted = WantedHold(
            booking_id=command.booking_id,
            voucher_id=command.voucher_id,
            person_id=command.person_id,
            provider=command.provider,
            service=command.service,
            service_date=command.service_date,
            minutes=command.minutes,
            cents=command.cents,
        )
        for _ in range(_ATTEMPTS):
            reservation = self._reserve(wanted) or self._explain(wanted)
            if reservation is not None:
                return reservation
            # What spoke against it is gone by now, for example because another hold was released: try again.
        raise Unavailable

    def _reserve(self, wanted: WantedHold) -> Reservation | None:
        with self.database.statement() as place:
            return holds.reserve(place, wanted, self.clock.now())

    def _explain(self, wanted: WantedHold) -> Reservation | None:
        """Raises the reason of the no; returns the earlier answer if the booking is held already, or None if
        there is no reason any more.
        """
        with self.database.read() as connection:
            voucher = vouchers.find(connection, wanted.voucher_id)
            existing = holds.find(connection, wanted.booking_id)
            if voucher is None:
                raise VoucherNotFound
            if voucher.person_id != wanted.person_id:
                raise NotYourVoucher(field="voucher_id")
            if existing is not None:
                _check_same(existing, wanted, voucher)
                return holds.reservation_of(connection, voucher.id, wanted.booking_id)
        asked = Wanted(
            person_id=wanted.person_id,
            provider=wanted.provider,
            service=wanted.service,
            service_date=wanted.service_date,
            quantity=wanted.quantity(voucher.unit),
        )
        if (reason := reason_against(voucher, asked)) is not None:
            raise reason
        return None


def _check_same(existing: HoldRow, wanted: WantedHold, voucher: Voucher) -> None:
    if existing.state == "released":
        raise BookingAlreadyReleased(field="booking_id")
    asked = (
        wanted.voucher_id,
        wanted.quantity(voucher.unit),
        wanted.cents,
        wanted.provider,
        wanted.service_date,
    )
    held = (
        existing.voucher_id,
        existing.quantity,
        existing.amount_cents,
        existing.provider,
        existing.service_date,
    )
    if held != asked or wanted.service != voucher.service:
        raise BookingHeldDifferently(field="booking_id")
