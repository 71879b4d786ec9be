"""The booking saga as a table: what to do next, given the booking and what the voucher's side said.

    booking                     │ next
    ────────────────────────────┼─────────────────────────────────────────────────────────────
    confirmed, cancelled,       │ answer with it
      delivered                 │
    held, its time is over      │ lapse: seat free, hold released
    held                        │ ask vouchers to hold, then
      … holds                   │   confirm; but refuse for good if the cooperative's accreditation has
                                │   ended since the seat was taken
      … refuses                 │   refuse for good: seat free, hold (had or to come) released
      … may answer otherwise    │   refuse, and free the idempotency key: the same request may
        later, or did not answer│   be made again as if nothing had happened
    refused                     │ say again what was said
    lapsed                      │ booking-lapsed

Each row may be repeated at any moment, by the same request or by another with its idempotency key: asking is
idempotent on both sides, and each move is a compare-and-set. Whoever loses a race looks at the booking again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.catalogue.domain.booking import Booking, State
from services.catalogue.domain.refusals import BookingHasLapsed, KeptRefusal
from services.chassis.refusal import Kind, Refusal


@dataclass(frozen=True, slots=True)
class Answer:
    """The booking is what the caller wanted."""


@dataclass(frozen=True, slots=True)
class Deny:
    """The caller is told `refusal`; nothing is held."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class AskVouchers:
    """Have the voucher's minutes or cents held."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """Move to confirmed."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Move to refused with this reason; `for_good` keeps the idempotency key with it."""

    refusal: Refusal
    for_good: bool


@dataclass(frozen=True, slots=True)
class Lapse:
    """Move to lapsed."""


Step = Answer | Deny | AskVouchers | Lapse

_PASSING: Final = frozenset({Kind.UNAUTHENTICATED, Kind.IN_FLIGHT, Kind.THROTTLED, Kind.UNAVAILABLE})


def next_step(booking: Booking, now: datetime) -> Step:
    """What the state asks for."""
    match booking.state:
        case State.HELD:
            return Lapse() if booking.held_until is None or booking.held_until <= now else AskVouchers()
        case State.REFUSED:
            return Deny(KeptRefusal(booking.refusal or {}))
        case State.LAPSED:
            return Deny(BookingHasLapsed())
        case State.CONFIRMED | State.CANCELLED | State.DELIVERED:
            return Answer()


def after_reply(reply: Refusal | None) -> Confirm | Refuse:
    """What the voucher's side's reply asks for; None means that it holds."""
    if reply is None:
        return Confirm()
    passing = reply.kind in _PASSING or reply.retry_after_seconds is not None
    return Refuse(reply, for_good=not passing)
