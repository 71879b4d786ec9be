"""Who is told of an event: everybody concerned in their own inbox, and each household by one e-mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

INFORMING_POWERS: Final = frozenset({"read", "book"})
"""A delegate who may read or book is told; one who may only choose a provider is not."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person as far as notices are concerned. `has_email` says whether an address is known."""

    person_id: UUID
    household_id: UUID
    has_email: bool


def informed_delegates(delegates: Iterable[tuple[UUID, Iterable[str]]]) -> list[UUID]:
    """The delegates, of (person, powers) pairs, who are told of what concerns their principal; each once."""
    return list(
        dict.fromkeys(person for person, powers in delegates if INFORMING_POWERS.intersection(powers))
    )


def by_email(readers: Iterable[Recipient]) -> list[Recipient]:
    """Who gets an e-mail: in each household the first who has an address.

    `readers` in the order in which they are preferred: the person herself before delegates. Households in
    which nobody has an address get none.
    """
    chosen: dict[UUID, Recipient] = {}
    for candidate in readers:
        if candidate.has_email:
            chosen.setdefault(candidate.household_id, candidate)
    return list(chosen.values())
