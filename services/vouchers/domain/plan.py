"""A personal plan (PAI): what a person needs, as services, quantities and measures that pay for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.period import Period

DRAFT = "draft"
SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One service of a plan. `quantity` is in `unit`; `issued` of it went into vouchers."""

    id: UUID
    measure: str
    service: str
    section: str
    unit: Unit
    quantity: int
    issued: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as it stands; signed, it does not change. `goals` is sealed at rest and None unless it was asked
    for.

    `signed_by` says in which quality the person's side signed; `signed_with` is the social worker's account.
    """

    id: UUID
    person_id: UUID
    comune: str
    state: str
    validity: Period
    goals: str | None
    lines: tuple[PlanLine, ...]
    written_by: str
    signed_by: str | None
    signed_with: str | None
    signed_at: datetime | None
    version: int
