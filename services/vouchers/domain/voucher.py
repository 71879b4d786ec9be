"""A voucher: what it is for, how much is on it, and why a hold on it may be refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.chassis.refusal import InvalidField, Refusal
from services.vouchers.domain.assignments import Assignments
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.ledger import Balance
from services.vouchers.domain.period import Period
from services.vouchers.domain.refusals import (
    NotYourVoucher,
    ProviderNotChosen,
    ServiceNotCovered,
    VoucherExhausted,
    VoucherExpired,
    VoucherNotYetValid,
)

ISSUED = "issued"  # no cooperative chosen yet
ACTIVE = "active"
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher as it stands. `version` counts its events, and is the sequence of the latest."""

    id: UUID
    person_id: UUID
    comune: str
    plan_id: UUID
    plan_line_id: UUID
    measure: str
    fund: str
    service: str
    section: str
    unit: Unit
    state: str
    validity: Period
    balance: Balance
    assignments: Assignments
    issued_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a hold asks for. `quantity` is in the voucher's unit."""

    person_id: UUID
    provider: str
    service: str
    service_date: date
    quantity: int


def reason_against(voucher: Voucher, wanted: Wanted) -> Refusal | None:
    """Why `wanted` cannot be held on `voucher`, the most telling reason first; None if nothing speaks against
    it.

    The conditions are those of persistence.holds, which decides; this explains its no.
    """
    day = wanted.service_date
    last = voucher.validity.last
    if wanted.person_id != voucher.person_id:
        return NotYourVoucher(field="voucher_id")
    if wanted.quantity <= 0:
        return InvalidField(
            field=str(voucher.unit), it="Deve essere maggiore di 0.", en="It must be greater than 0."
        )
    if wanted.service != voucher.service:
        return ServiceNotCovered(field="service", service=voucher.service)
    if voucher.state == EXPIRED or (last is not None and day > last):
        return VoucherExpired(field="service_date", valid_to=last)
    if day < voucher.validity.first:
        return VoucherNotYetValid(field="service_date", valid_from=voucher.validity.first)
    assigned = voucher.assignments.on(day)
    if assigned is None or assigned.provider != wanted.provider:
        return ProviderNotChosen(field="provider", service_date=day)
    if voucher.balance.available < wanted.quantity:
        return VoucherExhausted(
            available=voucher.balance.available, needed=wanted.quantity, unit=str(voucher.unit)
        )
    return None
