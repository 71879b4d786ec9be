"""Who may see a booking, and in which part a caller acts on it. Whatever is not granted here is denied."""

from __future__ import annotations

from services.catalogue.domain.booking import Booking, CancelledBy
from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden, NotFound, Unauthenticated
from services.contracts import access


def require_known(caller: Caller) -> None:
    """Raises Unauthenticated for an anonymous caller."""
    if caller.is_anonymous:
        raise Unauthenticated


def is_provider(caller: Caller, provider: str) -> bool:
    """Whether the caller is staff or system of that cooperative."""
    return caller.has(access.PROVIDER_STAFF, provider) or caller.has(access.PROVIDER_CLIENT, provider)


def offices_of(caller: Caller) -> frozenset[str]:
    """The comuni for which the caller is a social worker or an officer."""
    return caller.scopes(access.SOCIAL_WORKER) | caller.scopes(access.COMUNE_OFFICER)


def require_visible(booking: Booking | None, caller: Caller) -> Booking:
    """The booking, if the caller may read it: the person and who may read for her, her comune, its
    cooperative.

    NotFound otherwise: that it exists is no business of others.
    """
    require_known(caller)
    if booking is not None and (
        caller.may_act_for(booking.person_id, access.READ)
        or caller.may_act_for(booking.person_id, access.BOOK)
        or is_provider(caller, booking.provider)
        or booking.comune in offices_of(caller)
    ):
        return booking
    raise NotFound(what="booking", field="booking_id")


def cancels_as(booking: Booking, caller: Caller) -> CancelledBy:
    """In which part the caller would cancel; Forbidden if in none. The person's own part comes first."""
    if caller.may_act_for(booking.person_id, access.BOOK):
        return "citizen"
    if is_provider(caller, booking.provider):
        return "provider"
    if booking.comune in offices_of(caller):
        return "service"
    raise Forbidden


def without_words_of_others(booking: Booking, caller: Caller) -> bool:
    """Whether free text about the booking must not be shown: a cooperative sees only words of its own."""
    return (
        is_provider(caller, booking.provider)
        and not caller.may_act_for(booking.person_id, access.READ)
        and not caller.may_act_for(booking.person_id, access.BOOK)
        and booking.comune not in offices_of(caller)
        and booking.cancelled_by in ("citizen", "service")
    )
