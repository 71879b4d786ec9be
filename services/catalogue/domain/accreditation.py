"""Entries in the register of accredited cooperatives, one per section and period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from services.catalogue.domain.refusals import AccreditationMissing
from services.chassis.refusal import InvalidField

WITHOUT_END: Final = date.max
"""The last day of an entry that nobody has limited."""


class Standing(StrEnum):
    """State of an entry. Only `accredited`, which includes an active patto, allows visits."""

    ACCREDITED = "accredited"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accreditation:
    """An entry: for which section, in which state, on which days (both included)."""

    provider: str
    section: str
    state: Standing
    valid_from: date
    valid_to: date

    def allows_visit_on(self, day: date) -> bool:
        return self.state is Standing.ACCREDITED and self.valid_from <= day <= self.valid_to


def changed(
    entries: list[Accreditation],
    *,
    provider: str,
    section: str,
    state: Standing,
    valid_from: date | None,
    valid_to: date | None,
) -> tuple[Accreditation | None, Accreditation]:
    """The entry of `section` to replace (None: a new one) and what it becomes.

    Days that are left out stay as they were. Given days that share none with the latest entry make a new
    entry; only an accreditation can. AccreditationMissing if there is nothing to suspend or revoke,
    InvalidField for impossible days.
    """
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise InvalidField(
            field="valid_to",
            it="L'ultimo giorno precede il primo.",
            en="The last day is before the first.",
        )
    latest = max((e for e in entries if e.section == section), key=lambda e: e.valid_from, default=None)
    if latest is not None and not (valid_from is not None and valid_from > latest.valid_to):
        begin, end = valid_from or latest.valid_from, valid_to or latest.valid_to
        earlier = [e for e in entries if e.section == section and e is not latest]
        if end < begin or any(e.valid_to >= begin for e in earlier):
            raise InvalidField(
                field="valid_from",
                it="Il periodo non è compatibile con le altre iscrizioni nella sezione.",
                en="The period does not fit the other entries in the section.",
            )
        return latest, replace(latest, state=state, valid_from=begin, valid_to=end)
    if state is not Standing.ACCREDITED:
        raise AccreditationMissing(field="section", provider=provider, section=section)
    if valid_from is None:
        raise InvalidField(
            field="valid_from", it="Il primo giorno è obbligatorio.", en="The first day is required."
        )
    return None, Accreditation(
        provider=provider,
        section=section,
        state=state,
        valid_from=valid_from,
        valid_to=valid_to or WITHOUT_END,
    )
