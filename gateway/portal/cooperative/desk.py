"""Whose desk it is, and its bookings as people read them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends

from gateway.backends import Backends, Services
from gateway.portal.session import SignedIn
from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.refusal import Forbidden
from services.contracts import limits
from services.contracts.access import PROVIDER_STAFF
from services.contracts.forms import Slug
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as pb

ZONE: Final = ZoneInfo("Europe/Rome")
MOST_OF_A_DAY: Final = 1_000
_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "held": ("in attesa", "secondary"),
    "confirmed": ("confermata", "primary"),
    "delivered": ("effettuata", "success"),
    "cancelled": ("annullata", "danger"),
    "refused": ("rifiutata", "secondary"),
    "lapsed": ("scaduta", "secondary"),
}
_NEVER_TO_BE: Final = {"held", "refused", "lapsed"}
_CANCELLED_BY: Final = {"citizen": "dalla persona", "provider": "dalla cooperativa", "service": "dal Comune"}


@dataclass(frozen=True)
class Visit:
    """A booking as the desk shows it. Who the person is, a cooperative is not told."""

    id: UUID
    starts: datetime
    """With the offset of its day, as everything here."""
    ends: datetime
    service: str
    comune: str
    with_voucher: bool
    state: str
    cancelled_by: str
    reason: str

    @property
    def number(self) -> str:
        """Short, for people on the telephone."""
        return self.id.hex[-8:].upper()

    @property
    def in_words(self) -> str:
        return _STATES[self.state][0]

    @property
    def colour(self) -> str:
        return _STATES[self.state][1]


@dataclass(frozen=True)
class Desk:
    """The desk of the cooperative `provider`, at which `caller` sits; names by slug or code."""

    services: Backends
    caller: Caller
    provider: str
    name: str
    services_named: Mapping[str, str]
    comuni_named: Mapping[str, str]

    @property
    def others(self) -> list[str]:
        """The caller's other cooperatives."""
        return sorted(self.caller.scopes(PROVIDER_STAFF) - {self.provider})

    async def visit(self, booking_id: UUID) -> Visit:
        """One booking. Raises what catalogue refuses."""
        request = pb.GetBookingRequest(booking_id=str(booking_id))
        answer = await self.services.read(self.services.bookings.GetBooking, request, self.caller)
        return self.shown(answer.booking)

    async def visits(self, booking_ids: Collection[UUID]) -> dict[UUID, Visit]:
        """Those of these bookings, of which there are at most a page, that are there. Raises what catalogue
        refuses.
        """
        if not booking_ids:
            return {}
        request = pb.ListBookingsRequest(
            provider=self.provider, booking_ids=map(str, booking_ids), limit=limits.PAGE_ITEMS
        )
        answer = await self.services.read(self.services.bookings.ListBookings, request, self.caller)
        return {visit.id: visit for visit in map(self.shown, answer.items)}

    async def visits_of(self, day: date) -> list[Visit]:
        """All of a day that were made, by their time; not those that never came about. Of more than
        `MOST_OF_A_DAY`, the latest.
        """
        found: list[Visit] = []
        cursor = ""
        while len(found) <= MOST_OF_A_DAY:
            request = pb.ListBookingsRequest(
                provider=self.provider,
                from_date=day.isoformat(),
                to_date=day.isoformat(),
                limit=limits.PAGE_ITEMS,
                cursor=cursor,
            )
            answer = await self.services.read(self.services.bookings.ListBookings, request, self.caller)
            found += [self.shown(each) for each in answer.items if each.state not in _NEVER_TO_BE]
            cursor = answer.next_cursor
            if not cursor:
                break
        return sorted(found[:MOST_OF_A_DAY], key=lambda each: (each.starts, each.service, each.id))

    def shown(self, booking: pb.Booking) -> Visit:
        starts = datetime.fromisoformat(booking.local_start)
        return Visit(
            id=UUID(booking.id),
            starts=starts,
            ends=starts + timedelta(minutes=booking.minutes),
            service=self.services_named.get(booking.service, booking.service),
            comune=self.comuni_named.get(booking.comune, booking.comune),
            with_voucher=bool(booking.voucher_id),
            state=booking.state,
            cancelled_by=_CANCELLED_BY.get(booking.cancelled_by, ""),
            reason=booking.reason,
        )


async def _desk(provider: Slug, caller: SignedIn, services: Services) -> Desk:
    if not caller.has(PROVIDER_STAFF, provider):
        raise Forbidden
    catalogue = services.catalogue
    found, comuni, offered = await asyncio.gather(
        services.read(catalogue.GetProvider, pb.GetProviderRequest(slug=provider), ANONYMOUS),
        services.read(catalogue.ListComuni, pb.ListComuniRequest(), ANONYMOUS),
        services.read(
            catalogue.SearchServices,
            pb.SearchServicesRequest(provider=provider, limit=limits.PAGE_ITEMS),
            ANONYMOUS,
        ),
    )
    return Desk(
        services,
        caller,
        provider,
        found.provider.name,
        {each.slug: each.name.it for each in offered.items},
        {each.code: each.name for each in comuni.items},
    )


AtDesk = Annotated[Desk, Depends(_desk)]
"""Raises Unauthenticated, Forbidden, Unavailable."""
