"""Events of identity. All internal: they say who lives where and who acts for whom."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field

from services.contracts.events.base import EventData

_PERSON = "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e0f"
_DELEGATE = "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e10"


class PersonRegistered(EventData):
    """A person is known from now on. Contact data are sealed: only notifications can open them."""

    service: ClassVar[str] = "identity"
    aggregate: ClassVar[str] = "person"
    verb: ClassVar[str] = "registered"
    example: ClassVar[dict[str, Any]] = {
        "person_id": _PERSON,
        "comune": "L319",
        "household_id": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e20",
        "language": "it",
        "contact_sealed": "k1.bm9uY2U.Y2lwaGVydGV4dA",
    }

    person_id: UUID
    comune: str = Field(description="Belfiore code of the comune of residence")
    household_id: UUID = Field(description="Persons of one household are told of an event once")
    language: str = Field(description="ISO 639-1: it or en")
    contact_sealed: str = Field(
        description=(
            'Sealed JSON {"given_name": …, "email": …|null, "phone": …|null}, context "contact:<person_id>"'
        )
    )


class PersonContactChanged(PersonRegistered):
    """The person's contact data, language, household or claim of the account changed; all are repeated."""

    verb: ClassVar[str] = "contact-changed"


class DelegationGranted(EventData):
    """One person may act for another."""

    service: ClassVar[str] = "identity"
    aggregate: ClassVar[str] = "delegation"
    verb: ClassVar[str] = "granted"
    example: ClassVar[dict[str, Any]] = {
        "delegation_id": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e30",
        "principal_id": _PERSON,
        "delegate_id": _DELEGATE,
        "powers": ["book", "choose_provider", "read"],
        "valid_to": "2027-11-23",
        "comune": "L319",
    }

    delegation_id: UUID
    principal_id: UUID
    delegate_id: UUID
    powers: list[str] = Field(description="read, choose_provider, book")
    valid_to: date = Field(description="Last day, inclusive")
    comune: str = Field(description="Belfiore code of the principal's comune")


class DelegationRevoked(EventData):
    """The delegate may no longer act."""

    service: ClassVar[str] = "identity"
    aggregate: ClassVar[str] = "delegation"
    verb: ClassVar[str] = "revoked"
    example: ClassVar[dict[str, Any]] = {
        "delegation_id": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e30",
        "principal_id": _PERSON,
        "delegate_id": _DELEGATE,
        "comune": "L319",
    }

    delegation_id: UUID
    principal_id: UUID
    delegate_id: UUID
    comune: str
