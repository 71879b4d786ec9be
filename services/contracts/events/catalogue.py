"""Events of catalogue. Those of bookings are public and carry ids and neutral facts only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.contracts.events.base import EventData
from services.contracts.events.files import FILE_READ, FileRead

_BOOKING = {
    "booking_id": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e40",
    "person_id": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e0f",
    "provider": "cooperativa-aurora",
    "comune": "L733",
    "starts_at": "2026-12-01T08:00:00Z",
    "ends_at": "2026-12-01T09:00:00Z",
    "with_voucher": True,
}


class BookingEvent(EventData):
    """The facts of a booking. With a voucher, vouchers finds its hold by the booking's id.

    Never which service: beside a person's id it would tell her need, in queues, feeds and foreign servers.
    """

    service: ClassVar[str] = "catalogue"
    aggregate: ClassVar[str] = "booking"

    booking_id: UUID
    person_id: UUID = Field(description="Opaque id of the person who is cared for")
    provider: str = Field(description="Slug of the cooperative")
    comune: str = Field(description="Belfiore code of the person's comune of residence")
    starts_at: datetime = Field(description="UTC")
    ends_at: datetime = Field(description="UTC")
    with_voucher: bool = Field(description="Whether a voucher pays for it")


class BookingConfirmed(BookingEvent):
    """The visit will take place."""

    verb: ClassVar[str] = "confirmed"
    public: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = _BOOKING


class BookingCancelled(BookingEvent):
    """The visit will not take place; the seat and the voucher's hold are free again."""

    verb: ClassVar[str] = "cancelled"
    public: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {**_BOOKING, "cancelled_by": "citizen"}

    cancelled_by: Literal["citizen", "provider", "service"]


class BookingDelivered(BookingEvent):
    """The visit took place, proven by the person's code; the voucher's hold is consumed."""

    verb: ClassVar[str] = "delivered"
    public: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {**_BOOKING, "delivered_at": "2026-12-01T09:01:12Z"}

    delivered_at: datetime


class BookingLapsed(BookingEvent):
    """A held booking was not confirmed in time; a hold on a voucher, had or to come, is released."""

    verb: ClassVar[str] = "lapsed"
    example: ClassVar[dict[str, Any]] = _BOOKING


class BookingRefused(BookingEvent):
    """A held booking was refused by the voucher's side; a hold, had or to come, is released."""

    verb: ClassVar[str] = "refused"
    example: ClassVar[dict[str, Any]] = {**_BOOKING, "reason": "voucher-exhausted"}

    reason: str = Field(description="Stable type of the refusal")


class AccreditationFact(BaseModel):
    """An accreditation of a cooperative for one section, with an active patto."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    section: str
    state: Literal["accredited", "suspended", "revoked", "expired"]
    valid_from: date
    valid_to: date = Field(description="Inclusive")


class ProviderPublished(EventData):
    """A cooperative, as it is now, with all its accreditations; sent at every change."""

    service: ClassVar[str] = "catalogue"
    aggregate: ClassVar[str] = "provider"
    verb: ClassVar[str] = "published"
    example: ClassVar[dict[str, Any]] = {
        "provider": "cooperativa-aurora",
        "name": "Cooperativa Aurora",
        "accreditations": [
            {
                "section": "anziani-disabili",
                "state": "accredited",
                "valid_from": "2026-01-01",
                "valid_to": "2027-12-31",
            }
        ],
    }

    provider: str
    name: str
    accreditations: list[AccreditationFact]


class ServicePublished(EventData):
    """A service, as it is now; sent at every change."""

    service: ClassVar[str] = "catalogue"
    aggregate: ClassVar[str] = "service"
    verb: ClassVar[str] = "published"
    example: ClassVar[dict[str, Any]] = {
        "service": "assistenza-domiciliare",
        "name_it": "Assistenza domiciliare",
        "name_en": "Home care",
        "section": "anziani-disabili",
        "duration_minutes": 60,
        "price_cents": 2200,
        "measures": ["SAD"],
    }

    service_slug: str = Field(alias="service", serialization_alias="service")
    name_it: str
    name_en: str
    section: str = Field(description="Accreditation section; empty when none is needed")
    duration_minutes: int
    price_cents: int = Field(description="Per visit")
    measures: list[str]

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True).encode()


class CatalogueFileRead(FileRead):
    """Somebody else was shown bookings of a person. Internal: identity shows it to her."""

    service: ClassVar[str] = "catalogue"
    verb: ClassVar[str] = "read"
    example: ClassVar[dict[str, Any]] = {**FILE_READ, "operation": "ListBookings"}
