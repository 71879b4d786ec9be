"""Book a slot: the saga of catalogue and vouchers, driven from beginning to end in one call.

The rows of the saga are in `domain/booking_saga.py`; here they are carried out. Nothing needs to be
remembered between two calls but the booking itself, so whoever repeats the request continues where it
stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from services.catalogue.application.access import acts_for
from services.catalogue.application.ports import VoucherHolds
from services.catalogue.domain.booking import Booking
from services.catalogue.domain.booking_saga import (
    Answer,
    AskVouchers,
    Confirm,
    Deny,
    Lapse,
    Refuse,
    after_reply,
    next_step,
)
from services.catalogue.domain.refusals import IdempotencyKeyRequired, ProviderNotAccredited
from services.catalogue.persistence.bookings import Bookings, Claim, SeatRequest
from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.ids import new_id
from services.chassis.refusal import Forbidden, InvalidField, Refusal, Unavailable
from services.contracts import access

OPERATION: Final = "BookSlot"
_ATTEMPTS: Final = 3
_STEPS: Final = 4
"""The longest way is ask, confirm too late, lapse, deny."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSlotCommand:
    """`person_id` None: for the caller. `request` are the bytes by which a repetition is recognised."""

    slot_id: UUID
    person_id: UUID | None
    voucher_id: UUID | None
    idempotency_key: str | None
    request: bytes


class WhyNot(Protocol):
    """Finds the reason why a slot cannot be booked by a person."""

    def __call__(self, slot_id: UUID, person_id: UUID) -> Refusal | None: ...


class BookSlot:
    """Returns the confirmed booking, or raises the Refusal that says exactly why there is none.

    Then nothing is held. Unavailable says that the same request may be made again, key and all: it begins
    anew, or continues where it stopped if not even the refusal could be written down.
    """

    def __init__(
        self,
        bookings: Bookings,
        holds: VoucherHolds,
        why_not: WhyNot,
        clock: Clock,
        ids: Callable[[], UUID] = new_id,
    ) -> None:
        self._bookings = bookings
        self._holds = holds
        self._why_not = why_not
        self._clock = clock
        self._ids = ids

    def __call__(self, command: BookSlotCommand, caller: Caller) -> Booking:
        person_id = _for_whom(command, caller)
        if command.idempotency_key is None:
            raise IdempotencyKeyRequired(field="idempotency_key")
        claim = Claim(
            actor=caller.subject, key=command.idempotency_key, operation=OPERATION, request=command.request
        )
        return self._drive(self._begin(command, person_id, claim), claim, caller)

    def _begin(self, command: BookSlotCommand, person_id: UUID, claim: Claim) -> Booking:
        """Step 1: a seat, or the booking that this request began before, or the reason why there is none."""
        for _ in range(_ATTEMPTS):
            seat = SeatRequest(
                booking_id=self._ids(),
                slot_id=command.slot_id,
                person_id=person_id,
                voucher_id=command.voucher_id,
            )
            booking = self._bookings.take_seat(seat, claim, self._clock.now()) or self._bookings.claimed(
                claim
            )
            if booking is not None:
                return booking
            if (reason := self._why_not(command.slot_id, person_id)) is not None:
                raise reason
            # Between the two looks a seat became free, or a key: once more.
        raise Unavailable(retry_after_seconds=1)

    def _drive(self, booking: Booking, claim: Claim, caller: Caller) -> Booking:
        """Steps 2 and 3, whatever of them is still to be done."""
        for _ in range(_STEPS):
            match next_step(booking, self._clock.now()):
                case Answer():
                    return booking
                case Deny(refusal):
                    raise refusal
                case Lapse():
                    moved = self._bookings.lapse(booking.id, claim.actor, self._clock.now())
                case AskVouchers():
                    moved = self._ask(booking, claim, caller)
            booking = moved or self._bookings.get(booking.id) or booking
        raise Unavailable(retry_after_seconds=1)

    def _ask(self, booking: Booking, claim: Claim, caller: Caller) -> Booking | None:
        match after_reply(self._reply(booking, caller)):
            case Confirm():
                return self._bookings.confirm(
                    booking.id, claim.actor, self._clock.now()
                ) or self._refuse_unaccredited(booking, claim)
            case Refuse(refusal, for_good):
                return self._refuse(booking, refusal, claim, for_good=for_good)

    def _refuse_unaccredited(self, booking: Booking, claim: Claim) -> Booking | None:
        """The cooperative's accreditation ended while the booking was made; None if it is something else."""
        section = self._bookings.section_without_accreditation(booking.id)
        if section is None:
            return None
        refusal = ProviderNotAccredited(
            provider=booking.provider, section=section, service_date=booking.service_date
        )
        return self._refuse(booking, refusal, claim, for_good=True)

    def _refuse(self, booking: Booking, refusal: Refusal, claim: Claim, *, for_good: bool) -> Booking | None:
        free_key = None if for_good else claim
        return self._bookings.refuse(booking.id, refusal, claim.actor, self._clock.now(), free_key=free_key)

    def _reply(self, booking: Booking, caller: Caller) -> Refusal | None:
        try:
            self._holds.hold(booking, caller)
        except Refusal as refusal:
            return refusal
        return None


def _for_whom(command: BookSlotCommand, caller: Caller) -> UUID:
    caller.require_known()
    person_id = command.person_id or caller.person
    if person_id is None:
        raise InvalidField(
            field="person_id",
            it="Indicare per chi è la prenotazione.",
            en="Say for whom the booking is.",
        )
    if not acts_for(caller, person_id, access.BOOK):
        raise Forbidden(field="person_id")
    return person_id
