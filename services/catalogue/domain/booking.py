"""A booking's life: its states, the moves between them, and why a move is refused.

    held ──► confirmed ──► delivered
      │          └───────► cancelled
      ├──► refused
      └──► lapsed

Every move has one source, so each can be one compare-and-set in the database, and each tells the world by one
event: `version` counts the events of a booking and numbers them without gaps. To be `held` is no event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from services.catalogue.domain.refusals import (
    BookingAlreadyCancelled,
    BookingAlreadyConfirmed,
    BookingAlreadyDelivered,
    BookingHasLapsed,
    BookingNotConfirmed,
    BookingWasRefused,
)
from services.chassis.refusal import Refusal


class State(StrEnum):
    """Where a booking is in its life."""

    HELD = "held"  # the seat is taken, the voucher's side is being asked
    CONFIRMED = "confirmed"
    REFUSED = "refused"  # by the voucher's side; the seat is free again
    LAPSED = "lapsed"  # not confirmed in time; the seat is free again
    CANCELLED = "cancelled"
    DELIVERED = "delivered"


OCCUPYING: Final = frozenset({State.HELD, State.CONFIRMED, State.DELIVERED})
"""States in which a booking has its seat."""

CancelledBy = Literal["citizen", "provider", "service"]


@dataclass(frozen=True, slots=True)
class Move:
    """A step from one state to another."""

    name: str
    source: State
    target: State

    @property
    def frees_seat(self) -> bool:
        return self.source in OCCUPYING and self.target not in OCCUPYING


CONFIRM: Final = Move("confirm", State.HELD, State.CONFIRMED)
REFUSE: Final = Move("refuse", State.HELD, State.REFUSED)
LAPSE: Final = Move("lapse", State.HELD, State.LAPSED)
CANCEL: Final = Move("cancel", State.CONFIRMED, State.CANCELLED)
DELIVER: Final = Move("deliver", State.CONFIRMED, State.DELIVERED)
MOVES: Final = (CONFIRM, REFUSE, LAPSE, CANCEL, DELIVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One seat in one slot for one person, with the facts of the visit as they were when it was booked.

    `reason` is the stable type of a refusal; `reason_sealed` the words of a cancellation, for no eyes yet.
    """

    id: UUID
    state: State
    version: int
    person_id: UUID
    comune: str
    slot_id: UUID
    service: str
    provider: str
    voucher_id: UUID | None
    minutes: int
    price_cents: int
    starts_at: datetime
    ends_at: datetime
    service_date: date
    zone: str
    held_until: datetime | None
    reason: str | None
    reason_sealed: str | None
    refusal: dict[str, Any] | None
    cancelled_by: CancelledBy | None
    delivered_at: datetime | None
    wrong_codes: int
    created_at: datetime

    @property
    def local_start(self) -> datetime:
        """Wall time of the visit, with the offset of that day."""
        return self.starts_at.astimezone(ZoneInfo(self.zone))


def why_not(state: State, move: Move) -> Refusal | None:
    """Why a booking in `state` cannot make `move`; None if it can, time and codes permitting."""
    if state is move.source:
        return None
    match state:
        case State.HELD:
            return BookingNotConfirmed(retry_after_seconds=1)
        case State.CONFIRMED:
            return BookingAlreadyConfirmed()
        case State.REFUSED:
            return BookingWasRefused()
        case State.LAPSED:
            return BookingHasLapsed()
        case State.CANCELLED:
            return BookingAlreadyCancelled()
        case State.DELIVERED:
            return BookingAlreadyDelivered()
