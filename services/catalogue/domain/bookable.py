"""Why a slot cannot be booked: the exact reason, found after the booking statement found nothing to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.catalogue.domain.refusals import (
    ComuneNotServed,
    PersonNotYetKnown,
    ProviderNotAccredited,
    ServiceNotOffered,
    SlotFull,
    SlotPast,
    SlotWithdrawn,
)
from services.chassis.refusal import NotFound, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFacts:
    """A slot as one read found it, for one person. `comune` is None if the person is not known."""

    starts_at: datetime
    service_date: date
    service: str
    provider: str
    section: str
    free: int
    withdrawn: bool
    offered: bool
    accredited: bool
    comune: str | None
    serves_comune: bool


def why_not_bookable(facts: SlotFacts | None, now: datetime) -> Refusal | None:
    """The first reason, in the order in which a person would ask; None if it could be booked."""
    if facts is None:
        return NotFound(what="slot", field="slot_id")
    if facts.comune is None:
        return PersonNotYetKnown(field="person_id", retry_after_seconds=1)
    if facts.starts_at <= now:
        return SlotPast(field="slot_id")
    if not facts.offered:
        return ServiceNotOffered(field="slot_id", service=facts.service, provider=facts.provider)
    if facts.withdrawn:
        return SlotWithdrawn(field="slot_id")
    if not facts.accredited:
        return ProviderNotAccredited(
            provider=facts.provider, section=facts.section, service_date=facts.service_date
        )
    if not facts.serves_comune:
        return ComuneNotServed(field="slot_id", comune=facts.comune)
    if facts.free <= 0:
        return SlotFull(field="slot_id")
    return None


def full(alternatives: list[UUID]) -> SlotFull:
    """A full slot, with the ids of other slots to offer instead."""
    return SlotFull(field="slot_id", alternatives=",".join(map(str, alternatives)))
