"""providers.yaml: the cooperatives and their places in the register of accredited providers."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from services.contracts.forms import Belfiore, Slug
from services.contracts.territory.types import Email, Localised, Name, Phone, Strict, Validity


def _vat_number(value: str) -> str:
    """D.P.R. 633/1972 art. 35: eleven digits, the last one a Luhn digit."""
    if len(value) != 11 or not (value.isascii() and value.isdigit()):
        raise ValueError("a VAT number has 11 digits")
    total = sum(int(c) if i % 2 == 0 else sum(divmod(2 * int(c), 10)) for i, c in enumerate(value))
    if total % 10 or not value.strip("0"):
        raise ValueError("the check digit of the VAT number does not match")
    return value


VatNumber = Annotated[str, AfterValidator(_vat_number)]


class AccreditationStatus(StrEnum):
    """States of an entry in the register that a territory can be loaded with."""

    ACCREDITED = "accredited"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class PattoStatus(StrEnum):
    """States of the agreement without which an accredited provider must not deliver."""

    DRAFT = "draft"
    SIGNED = "signed"
    ACTIVE = "active"
    TERMINATED = "terminated"


class Patto(Validity):
    """Patto di accreditamento between provider, capofila and comuni."""

    status: PattoStatus


class Accreditation(Validity):
    """An entry in one section of the register."""

    section: Slug
    status: AccreditationStatus
    patto: Patto | None = None

    def allows_delivery_on(self, day: date) -> bool:
        """Accredited and under an active patto on the day of the service."""
        return (
            self.status is AccreditationStatus.ACCREDITED
            and self.holds_on(day)
            and self.patto is not None
            and self.patto.status is PattoStatus.ACTIVE
            and self.patto.holds_on(day)
        )


class Provider(Strict):
    """An organisation that offers services. No judgement, rank or advertisement: citizens choose freely."""

    slug: Slug
    name: Name
    #: True for a made-up organisation of a demonstration territory.
    invented: bool = False
    vat_number: VatNumber
    email: Email
    phone: Phone
    address: Name
    description: Localised
    comuni_served: Annotated[tuple[Belfiore, ...], Field(min_length=1)]
    accreditations: tuple[Accreditation, ...] = ()
