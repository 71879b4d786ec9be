"""Who may see a booking, and in which part a caller acts on it. Whatever is not granted here is denied."""

from __future__ import annotations

from uuid import UUID

from services.catalogue.domain.booking import Booking, CancelledBy
from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden, NotFound
from services.contracts import access

_OF_A_COMUNE = (access.SOCIAL_WORKER, access.COMUNE_OFFICER)
_OF_A_PROVIDER = (access.PROVIDER_STAFF, access.PROVIDER_CLIENT)


def acts_for(caller: Caller, person: UUID, *powers: str) -> bool:
    """Whether the caller is `person` or holds one of `powers` over her.

    Who works for a cooperative uses no powers: whoever could read the code of a visit could prove a visit
    that never took place.
    """
    if caller.person == person:
        return True
    return not any(map(caller.has, _OF_A_PROVIDER)) and any(
        caller.may_act_for(person, power) for power in powers
    )


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
    caller.require_known()
    if booking is not None and (
        acts_for(caller, booking.person_id, access.READ, access.BOOK)
        or is_provider(caller, booking.provider)
        or booking.comune in offices_of(caller)
    ):
        return booking
    raise NotFound(what="booking", field="booking_id")


def is_of_an_office(caller: Caller) -> bool:
    """Whether the caller may read of others in an office, which they are told."""
    return any(map(caller.has, (*_OF_A_COMUNE, access.SOCIAL_POINT_OPERATOR)))


def reads_as(caller: Caller, booking: Booking) -> str | None:
    """The role, `name:scope`, in which somebody else reads of the person's booking; None if it is she
    herself, who acts for her by her delegation, or the cooperative whose visit it is.

    An operator who assists her acts with her consent, but in an office: that is somebody else. Forbidden to
    whom nothing lets read.
    """
    person = booking.person_id
    acts = acts_for(caller, person, access.READ, access.BOOK)
    if caller.person == person or (acts and not caller.has(access.SOCIAL_POINT_OPERATOR)):
        return None
    for role in _OF_A_COMUNE:
        if caller.has(role, booking.comune):
            return f"{role}:{booking.comune}"
    if acts:
        return f"{access.SOCIAL_POINT_OPERATOR}:{min(caller.scopes(access.SOCIAL_POINT_OPERATOR))}"
    if is_provider(caller, booking.provider):
        return None
    raise Forbidden


def cancels_as(booking: Booking, caller: Caller) -> CancelledBy:
    """In which part the caller would cancel; Forbidden if in none. The person's own part comes first."""
    if acts_for(caller, booking.person_id, access.BOOK):
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
        and not acts_for(caller, booking.person_id, access.READ, access.BOOK)
        and booking.comune not in offices_of(caller)
        and booking.cancelled_by in ("citizen", "service")
    )
