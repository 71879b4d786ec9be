"""Contact data: opened as they come in identity's events, kept sealed by this service's own key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.chassis.refusal import Language
from services.chassis.sealing import Sealer


class Contact(BaseModel):
    """How a person is addressed and reached."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    given_name: str
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class ContactSeals:
    """`events` is shared with identity; `own` belongs to this service's columns."""

    events: Sealer
    own: Sealer

    def open_event(self, sealed: str, person: UUID) -> Contact:
        """What identity sealed. Raises SealBroken."""
        return Contact.model_validate_json(self.events.open(sealed, f"contact:{person}"))

    def seal(self, contact: Contact, person: UUID) -> str:
        """For the column of this person's row, and no other."""
        return self.own.seal(contact.model_dump_json(), _context(person))

    def open(self, sealed: str, person: UUID) -> Contact:
        """From the column. Raises SealBroken."""
        return Contact.model_validate_json(self.own.open(sealed, _context(person)))


def _context(person: UUID) -> str:
    return f"notifications.recipient.contact:{person}"


DEFAULT_LANGUAGE: Final[Language] = "it"


def language_of(code: str) -> Language:
    """The language in which somebody with this preference is written to."""
    return "en" if code == "en" else DEFAULT_LANGUAGE
