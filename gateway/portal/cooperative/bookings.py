"""A cooperative's bookings: those of a day, and one, which is proven or cancelled here."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from gateway.portal.cooperative.desk import MOST_OF_A_DAY, ZONE, AtDesk, Desk
from gateway.portal.session import OwnForm
from gateway.portal.templates import page
from gateway.problems import STATUSES
from services.chassis.refusal import InvalidField, Refusal, Unavailable
from services.contracts import limits
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as pb
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2

router = APIRouter(prefix="/cooperatives/{provider}")

_CODE: Final = re.compile(r"[0-9]{6}")
_Day = Annotated[date, Query(ge=date(2000, 1, 1), le=date(2100, 1, 1))]


@router.get("/bookings")
async def show_day(request: Request, desk: AtDesk, day: _Day | None = None) -> Response:
    """The bookings of a day, today's if none is named; for htmx, the table alone."""
    shown = day or datetime.now(ZONE).date()
    if "hx-request" in request.headers:
        visits = await desk.visits_of(shown)
        return page("cooperative/table.html", desk=desk, day=shown, visits=visits, most=MOST_OF_A_DAY)
    # First where the feed ends, then the bookings: what comes in between is told twice rather than never.
    cursor = await _end_of_feed(desk)
    return page(
        "cooperative/bookings.html",
        desk=desk,
        day=shown,
        yesterday=shown - timedelta(days=1),
        tomorrow=shown + timedelta(days=1),
        visits=await desk.visits_of(shown),
        most=MOST_OF_A_DAY,
        cursor=cursor,
    )


async def _end_of_feed(desk: Desk) -> str:
    feed = notifications_pb2.ReadFeedRequest(provider=desk.provider, after="now", limit=1)
    try:
        answer = await desk.services.read(desk.services.feed.ReadFeed, feed, desk.caller)
    except Unavailable:
        return "now"  # whenever that will be: bookings are shown without notifications, too
    return str(answer.next_cursor)


@router.get("/bookings/{booking_id}")
async def show_booking(desk: AtDesk, booking_id: UUID) -> Response:
    """One booking, and what can be done with it."""
    return await _booking(desk, booking_id)


@router.post("/bookings/{booking_id}/delivery", dependencies=[OwnForm])
async def record_delivery(
    desk: AtDesk, booking_id: UUID, code: Annotated[str, Form(max_length=20)] = ""
) -> Response:
    """The visit took place: proven with the person's code."""
    code = re.sub(r"\s", "", code)
    refusal: Refusal | None = None
    try:
        if not _CODE.fullmatch(code):
            raise InvalidField(field="code", it="Il codice ha sei cifre.", en="The code has six digits.")
        request = pb.RecordDeliveryRequest(booking_id=str(booking_id), code=code)
        await desk.services.command(desk.services.bookings.RecordDelivery, request, desk.caller)
    except Refusal as refused:
        refusal = refused
    return await _done(desk, booking_id, "delivery", refusal, code=code)


@router.post("/bookings/{booking_id}/cancellation", dependencies=[OwnForm])
async def cancel(
    desk: AtDesk,
    booking_id: UUID,
    reason: Annotated[str, Form(max_length=limits.REASON_CHARACTERS)] = "",
) -> Response:
    """The visit will not take place."""
    refusal: Refusal | None = None
    try:
        request = pb.CancelBookingRequest(booking_id=str(booking_id), reason=reason.strip())
        await desk.services.command(desk.services.bookings.CancelBooking, request, desk.caller)
    except Refusal as refused:
        refusal = refused
    return await _done(desk, booking_id, "cancellation", refusal, reason=reason)


async def _done(desk: Desk, booking_id: UUID, form: str, refusal: Refusal | None, **entered: str) -> Response:
    """The booking as it is now; or the form again, with what was entered and why that was refused."""
    if refusal is None:
        return RedirectResponse(f"/portal/cooperatives/{desk.provider}/bookings/{booking_id}", 303)
    return await _booking(desk, booking_id, STATUSES[refusal.kind], refused=form, refusal=refusal, **entered)


async def _booking(desk: Desk, booking_id: UUID, status: int = 200, **shown: Any) -> Response:
    facts = {"refused": "", "refusal": None, "code": "", "reason": "", **shown}
    visit = await desk.visit(booking_id)
    return page("cooperative/booking.html", status=status, desk=desk, visit=visit, **facts)
