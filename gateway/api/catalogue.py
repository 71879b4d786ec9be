"""The catalogue, for everybody: services, cooperatives, Social Points, comuni, free slots."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator, Field

from gateway.api.representations import (
    Answer,
    Body,
    Cents,
    Cursor,
    Instant,
    Items,
    Limit,
    Minutes,
    Optional,
    OptionalDate,
    Page,
    Reason,
    Strings,
    iso,
    text,
)
from gateway.auth import Anyone, SignedIn
from gateway.backends import Services
from gateway.shared_reads import Public
from services.contracts import limits
from services.contracts.forms import Belfiore, Slug
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as pb

router = APIRouter(tags=["catalogue"])


class Translated(Answer):
    """A text in both languages."""

    it: str
    en: str


class Offering(Answer):
    """A cooperative that provides the service."""

    id: str
    provider: str
    provider_name: str
    comuni: Strings = Field(description="Belfiore codes served; empty: all of the ambito")


class Service(Answer):
    """A service of the catalogue."""

    slug: str
    category: str
    section: Optional = Field(description="Accreditation section; null when none is needed")
    kind: str = Field(description="public, accredited or private")
    name: Translated
    description: Translated
    target_group: str
    duration: Minutes = Field(validation_alias="duration_minutes")
    price: Cents = Field(validation_alias="price_cents")
    measures: Strings = Field(description="Measures with whose vouchers it can be paid")


class ServiceDetails(Service):
    """A service with its providers, in random order so that none is preferred."""

    offerings: Annotated[list[Offering], BeforeValidator(list)]


class ServicePage(Page[Service]):
    """A page of services, best match first."""

    total: int


class Accreditation(Answer):
    """An accreditation for one section."""

    section: str
    state: str
    valid_from: OptionalDate
    valid_to: OptionalDate


class Provider(Answer):
    """A cooperative."""

    slug: str
    name: str
    description: Translated
    email: Optional
    phone: Optional
    website: Optional
    accreditations: Annotated[list[Accreditation], BeforeValidator(list)]


class SocialPoint(Answer):
    """A Social Point."""

    slug: str
    name: str
    comune: str
    address: str
    phone: Optional
    opening_hours: str


class ComuneAnswer(Answer):
    """A comune of the ambito."""

    code: str = Field(description="Belfiore")
    istat: str
    name: str
    cap: str


class Slot(Answer):
    """A time at which a visit can be booked."""

    id: UUID
    provider: str
    starts_at: Instant
    ends_at: Instant
    local_start: str = Field(description="RFC 3339, with that day's offset")
    free: int
    capacity: int


class AccreditationChange(Body):
    """A decision of the Ufficio di Piano."""

    state: Literal["accredited", "suspended", "revoked"]
    valid_from: date | None = None
    valid_to: date | None = None
    reason: Reason


class AccreditationChanged(Answer):
    """The accreditation as it is now."""

    accreditation: Accreditation
    affected_bookings: int


@router.get("/services", response_model=ServicePage)
async def search(
    public: Public,
    q: Annotated[str, Query(max_length=limits.QUERY_CHARACTERS)] = "",
    category: Slug | None = None,
    comune: Belfiore | None = None,
    kind: Literal["public", "accredited", "private"] | None = None,
    provider: Slug | None = None,
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Response:
    """Searches the catalogue; a typing error is forgiven. An answer may be a second old."""
    request = pb.SearchServicesRequest(
        q=q,
        category=text(category),
        comune=text(comune),
        kind=text(kind),
        provider=text(provider),
        limit=limit,
        cursor=cursor,
    )
    return await public.answer(public.services.catalogue.SearchServices, request, ServicePage)


@router.get("/services/{slug}")
async def read_service(slug: Slug, caller: Anyone, services: Services) -> ServiceDetails:
    """One service with its providers."""
    answer = await services.read(services.catalogue.GetService, pb.GetServiceRequest(slug=slug), caller)
    return ServiceDetails.of(answer.service)


@router.get("/services/{slug}/slots", response_model=Items[Slot])
async def list_slots(
    slug: Slug,
    public: Public,
    from_date: date,
    to_date: date,
    provider: Slug | None = None,
    comune: Belfiore | None = None,
) -> Response:
    """Slots with free places between two local dates, at most 62 days apart. An answer may be a second old;
    whether a place is free is decided when it is booked.
    """
    request = pb.ListSlotsRequest(
        service=slug,
        provider=text(provider),
        comune=text(comune),
        from_date=iso(from_date),
        to_date=iso(to_date),
    )
    return await public.answer(public.services.catalogue.ListSlots, request, Items[Slot])


@router.get("/providers")
async def list_providers(caller: Anyone, services: Services) -> Items[Provider]:
    """All cooperatives."""
    answer = await services.read(services.catalogue.ListProviders, pb.ListProvidersRequest(), caller)
    return Items[Provider].of(answer)


@router.get("/providers/{slug}")
async def read_provider(slug: Slug, caller: Anyone, services: Services) -> Provider:
    """One cooperative."""
    answer = await services.read(services.catalogue.GetProvider, pb.GetProviderRequest(slug=slug), caller)
    return Provider.of(answer.provider)


@router.put("/providers/{slug}/accreditations/{section}")
async def change_accreditation(
    slug: Slug, section: Slug, body: AccreditationChange, caller: SignedIn, services: Services
) -> AccreditationChanged:
    """Grants, suspends, resumes or revokes an accreditation. For the Ufficio di Piano."""
    request = pb.ChangeAccreditationRequest(
        provider=slug,
        section=section,
        state=body.state,
        valid_from=iso(body.valid_from),
        valid_to=iso(body.valid_to),
        reason=body.reason,
    )
    method = services.accreditations.ChangeAccreditation
    return AccreditationChanged.of(await services.command(method, request, caller))


@router.get("/social-points")
async def list_social_points(caller: Anyone, services: Services) -> Items[SocialPoint]:
    """Where people are helped in person."""
    answer = await services.read(services.catalogue.ListSocialPoints, pb.ListSocialPointsRequest(), caller)
    return Items[SocialPoint].of(answer)


@router.get("/comuni")
async def list_comuni(caller: Anyone, services: Services) -> Items[ComuneAnswer]:
    """The comuni of the ambito."""
    answer = await services.read(services.catalogue.ListComuni, pb.ListComuniRequest(), caller)
    return Items[ComuneAnswer].of(answer)
