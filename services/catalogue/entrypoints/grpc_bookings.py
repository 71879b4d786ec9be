"""Bookings and the register, over gRPC."""

from __future__ import annotations

import grpc

from services.catalogue.application.book_slot import BookSlot, BookSlotCommand
from services.catalogue.application.booking_events import BOOKING_EVENTS
from services.catalogue.application.cancel_booking import CancelBooking
from services.catalogue.application.change_accreditation import (
    ChangeAccreditation,
    ChangeAccreditationCommand,
)
from services.catalogue.application.get_booking import GetBooking
from services.catalogue.application.get_delivery_code import GetDeliveryCode
from services.catalogue.application.list_bookings import ListBookings
from services.catalogue.application.ports import VoucherHolds
from services.catalogue.application.reasons import Reasons
from services.catalogue.application.record_delivery import RecordDelivery
from services.catalogue.application.why_not_bookable import WhyNotBookable
from services.catalogue.domain.accreditation import Standing
from services.catalogue.domain.booking import Booking, State
from services.catalogue.entrypoints.messages import accreditation_message, booking_message
from services.catalogue.entrypoints.requests import (
    choice_in,
    code_in,
    limit_in,
    optional_date_in,
    optional_slug_in,
    optional_text_in,
    optional_uuid_in,
    slug_in,
    text_in,
    uuid_in,
    uuids_in,
)
from services.catalogue.persistence.booking_lists import BookingFilter
from services.catalogue.persistence.bookings import Bookings
from services.catalogue.settings import Settings
from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.rpc.context import caller_of, idempotency_key_of
from services.contracts import limits
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as pb
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2_grpc as rpc

Context = grpc.ServicerContext


class BookingServicer(rpc.BookingServiceServicer):
    """As the proto says."""

    def __init__(self, settings: Settings, database: Database, holds: VoucherHolds, clock: Clock) -> None:
        bookings = Bookings(database, BOOKING_EVENTS)
        secret = settings.delivery_code_key()
        self._reasons = Reasons(settings.sealer())
        self._book = BookSlot(bookings, holds, WhyNotBookable(database, clock), clock)
        self._get = GetBooking(database, clock)
        self._list = ListBookings(database, clock)
        self._cancel = CancelBooking(bookings, self._reasons, database, clock)
        self._code = GetDeliveryCode(database, secret, clock)
        self._deliver = RecordDelivery(bookings, secret, settings.delivery_earliest, clock)

    def BookSlot(self, request: pb.BookSlotRequest, context: Context) -> pb.BookSlotResponse:
        command = BookSlotCommand(
            slot_id=uuid_in(request.slot_id, "slot_id"),
            person_id=optional_uuid_in(request.person_id, "person_id"),
            voucher_id=optional_uuid_in(request.voucher_id, "voucher_id"),
            idempotency_key=idempotency_key_of(context),
            request=request.SerializeToString(deterministic=True),
        )
        caller = caller_of(context)
        return pb.BookSlotResponse(booking=self._shown(self._book(command, caller), caller))

    def GetBooking(self, request: pb.GetBookingRequest, context: Context) -> pb.GetBookingResponse:
        caller = caller_of(context)
        booking = self._get(uuid_in(request.booking_id, "booking_id"), caller)
        return pb.GetBookingResponse(booking=self._shown(booking, caller))

    def ListBookings(self, request: pb.ListBookingsRequest, context: Context) -> pb.ListBookingsResponse:
        caller = caller_of(context)
        wanted = BookingFilter(
            person_id=optional_uuid_in(request.person_id, "person_id"),
            provider=optional_slug_in(request.provider, "provider") or None,
            from_date=optional_date_in(request.from_date, "from_date"),
            to_date=optional_date_in(request.to_date, "to_date"),
            state=choice_in(request.state, State, "state") if request.state else None,
            ids=uuids_in(request.booking_ids, "booking_ids", limits.PAGE_ITEMS),
        )
        cursor = optional_text_in(request.cursor, "cursor", limits.CURSOR_CHARACTERS) or ""
        bookings, next_cursor = self._list(wanted, caller, limit=limit_in(request.limit), cursor=cursor)
        items = [self._shown(booking, caller) for booking in bookings]
        return pb.ListBookingsResponse(items=items, next_cursor=next_cursor)

    def CancelBooking(self, request: pb.CancelBookingRequest, context: Context) -> pb.CancelBookingResponse:
        caller = caller_of(context)
        booking_id = uuid_in(request.booking_id, "booking_id")
        reason = optional_text_in(request.reason, "reason", limits.REASON_CHARACTERS)
        return pb.CancelBookingResponse(booking=self._shown(self._cancel(booking_id, reason, caller), caller))

    def GetDeliveryCode(
        self, request: pb.GetDeliveryCodeRequest, context: Context
    ) -> pb.GetDeliveryCodeResponse:
        booking_id = uuid_in(request.booking_id, "booking_id")
        return pb.GetDeliveryCodeResponse(code=self._code(booking_id, caller_of(context)))

    def RecordDelivery(
        self, request: pb.RecordDeliveryRequest, context: Context
    ) -> pb.RecordDeliveryResponse:
        caller = caller_of(context)
        booking_id = uuid_in(request.booking_id, "booking_id")
        booking = self._deliver(booking_id, code_in(request.code, "code"), caller)
        return pb.RecordDeliveryResponse(booking=self._shown(booking, caller))

    def _shown(self, booking: Booking, caller: Caller) -> pb.Booking:
        return booking_message(booking, self._reasons.shown(booking, caller))


class AccreditationServicer(rpc.AccreditationServiceServicer):
    """As the proto says."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._change = ChangeAccreditation(database, clock)

    def ChangeAccreditation(
        self, request: pb.ChangeAccreditationRequest, context: Context
    ) -> pb.ChangeAccreditationResponse:
        command = ChangeAccreditationCommand(
            provider=slug_in(request.provider, "provider"),
            section=slug_in(request.section, "section"),
            state=choice_in(request.state, Standing, "state"),
            valid_from=optional_date_in(request.valid_from, "valid_from"),
            valid_to=optional_date_in(request.valid_to, "valid_to"),
            reason=text_in(request.reason, "reason", limits.REASON_CHARACTERS),
        )
        entry, affected = self._change(command, caller_of(context))
        return pb.ChangeAccreditationResponse(
            accreditation=accreditation_message(entry), affected_bookings=affected
        )
