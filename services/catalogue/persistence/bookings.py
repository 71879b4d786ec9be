"""Bookings as they are kept: every change of one is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.exc import IntegrityError

from services.catalogue.domain.booking import (
    CANCEL,
    CONFIRM,
    DELIVER,
    LAPSE,
    REFUSE,
    Booking,
    CancelledBy,
    Move,
    State,
)
from services.catalogue.domain.delivery_code import MAXIMUM_WRONG_CODES
from services.catalogue.domain.refusals import kept
from services.catalogue.persistence.booking_events import BookingEventKind, event_parameters
from services.catalogue.persistence.booking_rows import booking_from, find
from services.catalogue.persistence.booking_statements import (
    NOW,
    move_booking,
    next_overdue,
    take_seat,
)
from services.catalogue.persistence.conditions import accredited, still_accredited
from services.catalogue.persistence.tables import booking, messaging, service
from services.chassis.database import Database
from services.chassis.idempotency import Idempotency, key_taken
from services.chassis.refusal import Refusal
from services.chassis.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose request it is and how to recognise it when it is repeated."""

    actor: str
    key: str
    operation: str
    request: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRequest:
    """A seat wanted: the new booking's id, the slot, for whom, and with which voucher if any."""

    booking_id: UUID
    slot_id: UUID
    person_id: UUID
    voucher_id: UUID | None


_CANCELLER: Final = sa.bindparam("canceller", type_=sa.Text)


class Bookings:
    """Bookings in `database`; each change is one statement, which is a transaction, with its event in it.

    Methods that move a booking return it as it became, or None if it was not there to be moved any more.
    """

    def __init__(self, database: Database, events: Mapping[Move, BookingEventKind]) -> None:
        self._database = database
        self._idempotency = Idempotency(messaging.idempotency)
        self._take_held = Statement(take_seat(State.HELD, None))
        self._take_confirmed = Statement(take_seat(State.CONFIRMED, events[CONFIRM]))
        self._confirm = Statement(
            move_booking(CONFIRM, events[CONFIRM], booking.c.held_until > NOW, still_accredited())
        )
        reasons = {"reason": sa.bindparam("reason_type"), "refusal": sa.bindparam("said", type_=JSONB)}
        self._refuse = Statement(move_booking(REFUSE, events[REFUSE], values=reasons))
        self._refuse_and_free_key = Statement(
            move_booking(REFUSE, events[REFUSE], values=reasons, frees_key=True)
        )
        overdue = booking.c.held_until <= NOW
        self._lapse = Statement(move_booking(LAPSE, events[LAPSE], overdue))
        self._lapse_next = Statement(move_booking(LAPSE, events[LAPSE], overdue, which=next_overdue()))
        self._cancel = Statement(
            move_booking(
                CANCEL,
                events[CANCEL],
                sa.or_(booking.c.starts_at > NOW, _CANCELLER == "service"),
                values={"reason_sealed": sa.bindparam("sealed"), "cancelled_by": _CANCELLER},
            )
        )
        self._deliver = Statement(
            move_booking(
                DELIVER,
                events[DELIVER],
                booking.c.wrong_codes < MAXIMUM_WRONG_CODES,
                booking.c.starts_at <= sa.bindparam("latest_start", type_=TIMESTAMP(timezone=True)),
                values={"delivered_at": NOW},
            )
        )

    def take_seat(self, seat: SeatRequest, claim: Claim, now: datetime) -> Booking | None:
        """The new booking, held if a voucher is to pay for it and confirmed otherwise; None if nothing was
        done.
        """
        row = self._idempotency.row_values(
            actor=claim.actor,
            key=claim.key,
            operation=claim.operation,
            request=claim.request,
            response=seat.booking_id.bytes,
        )
        parameters = {f"claim_{name}": value for name, value in row.items()} | {
            "booking": seat.booking_id,
            "slot": seat.slot_id,
            "person": seat.person_id,
            "voucher": seat.voucher_id,
            "by": claim.actor,
            "now": now,
        }
        try:
            if seat.voucher_id is None:
                return self._one(self._take_confirmed, parameters | event_parameters())
            return self._one(self._take_held, parameters)
        except IntegrityError as error:
            if key_taken(error):
                return None
            raise

    def claimed(self, claim: Claim) -> Booking | None:
        """The booking that this very request made before. IdempotencyKeyReused if another request did."""
        with self._database.read() as connection:
            stored = self._idempotency.find(
                connection,
                actor=claim.actor,
                key=claim.key,
                operation=claim.operation,
                request=claim.request,
            )
            return None if stored is None else find(connection, booking.c.id == UUID(bytes=stored))

    def get(self, booking_id: UUID) -> Booking | None:
        """The booking as it is now."""
        with self._database.read() as connection:
            return find(connection, booking.c.id == booking_id)

    def confirm(self, booking_id: UUID, by: str, now: datetime) -> Booking | None:
        """held → confirmed, while its time is not over and if the cooperative is still accredited.

        When the seat was taken it was; but that statement may have waited for the seat, and the voucher's
        side was asked since.
        """
        return self._move(self._confirm, by, now, booking=booking_id)

    def section_without_accreditation(self, booking_id: UUID) -> str | None:
        """The section in which the booking's cooperative is not accredited on its day; None if it is."""
        with self._database.read() as connection:
            section: str | None = connection.execute(_LACKING, {"looked_at": booking_id}).scalar()
            return section

    def refuse(
        self, booking_id: UUID, refusal: Refusal, by: str, now: datetime, *, free_key: Claim | None
    ) -> Booking | None:
        """held → refused for the reason given; the request `free_key`, if any, may then be made anew."""
        said = {"reason_type": refusal.type, "said": kept(refusal)}
        if free_key is None:
            return self._move(self._refuse, by, now, booking=booking_id, **said)
        said |= {"claim_actor": free_key.actor, "claim_key": free_key.key}
        return self._move(self._refuse_and_free_key, by, now, booking=booking_id, **said)

    def lapse(self, booking_id: UUID, by: str, now: datetime) -> Booking | None:
        """held → lapsed, if its time is over."""
        return self._move(self._lapse, by, now, booking=booking_id)

    def lapse_next_overdue(self, by: str, now: datetime) -> Booking | None:
        """The longest overdue held booking → lapsed; passes over those that another sweeper is at."""
        return self._move(self._lapse_next, by, now)

    def cancel(
        self, booking_id: UUID, canceller: CancelledBy, reason_sealed: str | None, by: str, now: datetime
    ) -> Booking | None:
        """confirmed → cancelled, before the visit begins; by "service" afterwards too."""
        return self._move(
            self._cancel, by, now, booking=booking_id, canceller=canceller, sealed=reason_sealed
        )

    def deliver(self, booking_id: UUID, latest_start: datetime, by: str, now: datetime) -> Booking | None:
        """confirmed → delivered, if the visit starts by `latest_start` and its codes are not locked."""
        return self._move(self._deliver, by, now, booking=booking_id, latest_start=latest_start)

    def count_wrong_code(self, booking_id: UUID) -> int | None:
        """Counts one wrong code and returns how many there were; None if no more are allowed."""
        with self._database.statement() as place:
            counted = _COUNT_WRONG_CODE.first(place, {"counted": booking_id})
            return None if counted is None else int(counted.wrong_codes)

    def _move(self, statement: Statement, by: str, now: datetime, **parameters: Any) -> Booking | None:
        return self._one(statement, parameters | {"by": by, "now": now} | event_parameters())

    def _one(self, statement: Statement, parameters: dict[str, Any]) -> Booking | None:
        with self._database.statement() as place:
            row = statement.first(place, parameters)
            return None if row is None else booking_from(row)


_COUNT_WRONG_CODE: Final = Statement(
    sa.update(booking)
    .where(
        booking.c.id == sa.bindparam("counted"),
        booking.c.state == State.CONFIRMED.value,
        booking.c.wrong_codes < MAXIMUM_WRONG_CODES,
    )
    .values(wrong_codes=booking.c.wrong_codes + 1)
    .returning(booking.c.wrong_codes)
)
_LACKING: Final = (
    sa.select(service.c.section)
    .join(booking, booking.c.service == service.c.slug)
    .where(
        booking.c.id == sa.bindparam("looked_at"),
        sa.not_(accredited(booking.c.service_date, booking.c.provider)),
    )
)
