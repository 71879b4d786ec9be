"""Events of vouchers."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field

from services.contracts.events.base import EventData
from services.contracts.events.files import FILE_READ, FileRead

_VOUCHER = {
    "voucher_id": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e50",
    "person_id": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e0f",
    "comune": "L733",
}


class VoucherIssued(EventData):
    """A voucher was issued to a person. Internal: that somebody has a voucher is not a neutral fact."""

    service: ClassVar[str] = "vouchers"
    aggregate: ClassVar[str] = "voucher"
    verb: ClassVar[str] = "issued"
    example: ClassVar[dict[str, Any]] = {**_VOUCHER, "valid_from": "2026-12-01", "valid_to": "2027-05-31"}

    voucher_id: UUID
    person_id: UUID
    comune: str = Field(description="Belfiore code of the comune that issues it")
    valid_from: date
    valid_to: date = Field(description="Inclusive")


class VoucherProviderChosen(EventData):
    """The person chose this cooperative; its visits can be booked from `valid_from` on."""

    service: ClassVar[str] = "vouchers"
    aggregate: ClassVar[str] = "voucher"
    verb: ClassVar[str] = "provider-chosen"
    public: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        **_VOUCHER,
        "provider": "cooperativa-aurora",
        "valid_from": "2026-12-01",
    }

    voucher_id: UUID
    person_id: UUID
    comune: str
    provider: str = Field(description="Slug of the cooperative chosen")
    valid_from: date


class VoucherExhausted(EventData):
    """Nothing is available or reserved on the voucher any more. Internal."""

    service: ClassVar[str] = "vouchers"
    aggregate: ClassVar[str] = "voucher"
    verb: ClassVar[str] = "exhausted"
    example: ClassVar[dict[str, Any]] = _VOUCHER

    voucher_id: UUID
    person_id: UUID
    comune: str


class VouchersFileRead(FileRead):
    """Somebody else was shown plans or vouchers of a person. Internal: identity shows it to her."""

    service: ClassVar[str] = "vouchers"
    verb: ClassVar[str] = "read"
    example: ClassVar[dict[str, Any]] = {**FILE_READ, "operation": "GetVoucher"}
