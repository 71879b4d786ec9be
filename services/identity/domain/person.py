"""Who a person is: what is asked of her at registration, and when it is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from services.chassis.refusal import InvalidField, Kind, Refusal
from services.identity.domain import forms
from services.identity.domain.codice_fiscale import CodiceFiscale, Sex, check_declared, parse

LANGUAGES: Final = frozenset({"it", "en"})
IDENTIFICATIONS: Final = frozenset(
    {"identity_card", "passport", "driving_licence", "residence_permit", "known_to_operator"}
)
"""How an operator may know who a person is. D.P.R. 445/2000 art. 35 lists the documents; it also lets an
official attest a person known to him or her.
"""

_LONGEST_LIFE_YEARS = 130
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
)
_PHONE = re.compile(r"\+[1-9][0-9]{5,14}")
_BELFIORE = re.compile(r"[A-Z][0-9]{3}")


class ComuneNotInAmbito(Refusal):
    """The comune of residence is none of this ambito's: its services are for its residents."""

    kind = Kind.INVALID
    type = "comune-not-in-ambito"
    it = "Il comune di residenza {comune} non fa parte dell'ambito."
    en = "The comune of residence {comune} does not belong to the ambito."


class AlreadyRegistered(Refusal):
    """Somebody has this codice fiscale already. Says nothing more about that person."""

    kind = Kind.ALREADY_EXISTS
    type = "person-already-registered"
    it = "Una persona con questo codice fiscale è già registrata. Un Social Point può aiutare ad accedere."
    en = "A person with this codice fiscale is registered already. A Social Point can help with access."


@dataclass(frozen=True, slots=True, repr=False)
class PersonDetails:
    """What is known about a person. Valid in itself; whether the comune belongs to the ambito is asked
    elsewhere.
    """

    codice_fiscale: CodiceFiscale
    given_name: str
    family_name: str
    birth_date: date
    sex: Sex
    comune: str
    address: str
    email: str | None
    phone: str | None
    language: str
    household_id: UUID

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    def __repr__(self) -> str:
        return "PersonDetails(***)"  # a repr ends in logs and tracebacks


def declared(
    *,
    codice_fiscale: str,
    given_name: str,
    family_name: str,
    birth_date: str,
    sex: Sex | None,
    comune: str,
    address: str,
    email: str,
    phone: str,
    language: str,
    household_id: str,
    own_household: UUID,
    today: date,
) -> PersonDetails:
    """Read and check what a person declared, the codice fiscale against birth date and sex included.

    Empty `email` and `phone` mean none, an empty `language` Italian, an empty `household_id` `own_household`.

    :raises CodiceFiscaleRefused: the code is wrong in itself or belongs to another birth date or sex
    :raises InvalidField: any other field
    """
    code = parse(codice_fiscale)
    if sex is None:
        raise InvalidField(field="sex", it="Il campo è obbligatorio.", en="The field is required.")
    born = forms.day(birth_date, field="birth_date")
    if not today.year - _LONGEST_LIFE_YEARS <= born.year or born > today:
        raise InvalidField(
            field="birth_date",
            it="La data di nascita non può essere di una persona vivente.",
            en="The birth date cannot be that of a living person.",
        )
    check_declared(code, birth_date=born, sex=sex)
    return PersonDetails(
        codice_fiscale=code,
        given_name=forms.text(given_name, field="given_name", longest=100),
        family_name=forms.text(family_name, field="family_name", longest=100),
        birth_date=born,
        sex=sex,
        comune=_comune(comune),
        address=forms.text(address, field="address", longest=200),
        email=_email(email),
        phone=_phone(phone),
        language=forms.one_of(language or "it", LANGUAGES, field="language"),
        household_id=forms.identifier(household_id, field="household_id") if household_id else own_household,
    )


def identification(value: str) -> str:
    """How the operator knows who the person is: one of :data:`IDENTIFICATIONS`."""
    return forms.one_of(value, IDENTIFICATIONS, field="identified_by")


def _comune(value: str) -> str:
    if not _BELFIORE.fullmatch(value):
        raise InvalidField(
            field="comune",
            it="Deve essere un codice catastale (Belfiore): una lettera e tre cifre.",
            en="It must be a Belfiore code: a letter and three digits.",
        )
    return value


def _email(value: str) -> str | None:
    email = value.strip()
    if email and (len(email) > 254 or not _EMAIL.fullmatch(email)):
        raise InvalidField(
            field="email", it="Non è un indirizzo e-mail valido.", en="It is not a valid e-mail address."
        )
    return email or None


def _phone(value: str) -> str | None:
    phone = "".join(value.split())
    if phone and not _PHONE.fullmatch(phone):
        raise InvalidField(
            field="phone",
            it="Deve essere un numero internazionale, per esempio +390331123456.",
            en="It must be an international number, for example +390331123456.",
        )
    return phone or None
