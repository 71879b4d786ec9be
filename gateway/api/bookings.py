"""Bookings: made, read, cancelled, delivered."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from gateway.api.representations import (
    Answer,
    Body,
    Cents,
    Cursor,
    Instant,
    Limit,
    Minutes,
    Optional,
    OptionalId,
    Page,
    Reason,
    iso,
    text,
)
from gateway.auth import SignedIn
from gateway.backends import IdempotencyKey, Services
from services.contracts.forms import Slug
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as pb

router = APIRouter(tags=["bookings"])


class BookingRequest(Body):
    """A visit is wanted."""

    slot_id: UUID
    person_id: UUID | None = Field(None, description="For whom; yourself if absent")
    voucher_id: UUID | None = Field(None, description="The voucher that pays; none if absent")


class Cancellation(Body):
    """Why a booking is cancelled; required of cooperatives and offices."""

    reason: Reason = ""


class Delivery(Body):
    """The proof that the visit took place."""

    code: str = Field(pattern=r"^\d{6}$", description="The six digits that the person gives at the visit")


class Booking(Answer):
    """A booking."""

    id: UUID
    state: str = Field(description="held, confirmed, refused, lapsed, cancelled or delivered")
    person_id: UUID
    service: str
    provider: str
    slot_id: UUID
    comune: str
    voucher_id: OptionalId
    duration: Minutes = Field(validation_alias="minutes")
    price: Cents = Field(validation_alias="price_cents")
    starts_at: Instant
    ends_at: Instant
    local_start: str
    reason: Optional
    cancelled_by: Optional
    created_at: Instant
    version: int


class DeliveryCode(Answer):
    """The code that proves the visit."""

    code: str


@router.post("/bookings", status_code=201)
async def book(body: BookingRequest, key: IdempotencyKey, caller: SignedIn, services: Services) -> Booking:
    """Books a visit. The answer is a confirmed booking, or says exactly why not; then nothing is held."""
    request = pb.BookSlotRequest(
        slot_id=str(body.slot_id), person_id=text(body.person_id), voucher_id=text(body.voucher_id)
    )
    answer = await services.command(services.bookings.BookSlot, request, caller, idempotency_key=key)
    return Booking.of(answer.booking)


@router.get("/bookings")
async def list_bookings(
    caller: SignedIn,
    services: Services,
    person_id: UUID | None = None,
    provider: Slug | None = None,
    from_date: date | None = None,
    to_date: date | None = None,
    state: Literal["held", "confirmed", "refused", "lapsed", "cancelled", "delivered"] | None = None,
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Page[Booking]:
    """A person's bookings (yours if nobody is named), or a cooperative's; newest service date first."""
    person = caller.person if person_id is None and provider is None else person_id
    request = pb.ListBookingsRequest(
        person_id=text(person),
        provider=text(provider),
        from_date=iso(from_date),
        to_date=iso(to_date),
        state=text(state),
        limit=limit,
        cursor=cursor,
    )
    return Page[Booking].of(await services.read(services.bookings.ListBookings, request, caller))


@router.get("/bookings/{booking_id}")
async def read_booking(booking_id: UUID, caller: SignedIn, services: Services) -> Booking:
    """One booking."""
    request = pb.GetBookingRequest(booking_id=str(booking_id))
    return Booking.of((await services.read(services.bookings.GetBooking, request, caller)).booking)


@router.post("/bookings/{booking_id}/cancellation")
async def cancel(booking_id: UUID, body: Cancellation, caller: SignedIn, services: Services) -> Booking:
    """Cancels a booking: the seat is free again, and so is what was held on the voucher."""
    request = pb.CancelBookingRequest(booking_id=str(booking_id), reason=body.reason)
    return Booking.of((await services.command(services.bookings.CancelBooking, request, caller)).booking)


@router.get("/bookings/{booking_id}/delivery-code")
async def read_delivery_code(booking_id: UUID, caller: SignedIn, services: Services) -> DeliveryCode:
    """The code to give at the visit; for the person and who may book for her."""
    request = pb.GetDeliveryCodeRequest(booking_id=str(booking_id))
    return DeliveryCode.of(await services.read(services.bookings.GetDeliveryCode, request, caller))


@router.post("/bookings/{booking_id}/delivery")
async def record_delivery(booking_id: UUID, body: Delivery, caller: SignedIn, services: Services) -> Booking:
    """The cooperative proves the visit with the person's code; the voucher is consumed."""
    request = pb.RecordDeliveryRequest(booking_id=str(booking_id), code=body.code)
    return Booking.of((await services.command(services.bookings.RecordDelivery, request, caller)).booking)
