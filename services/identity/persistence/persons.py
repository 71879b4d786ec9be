"""Persons and their codici fiscali."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.identity.domain.codice_fiscale import CodiceFiscale, Sex
from services.identity.domain.person import PersonDetails
from services.identity.persistence.personal_data import PersonalData
from services.identity.persistence.tables import account, codice_fiscale, comune, person, social_point


@dataclass(frozen=True, slots=True)
class Registration:
    """How a person came to be known. `by`: the operator's subject, "self", or "register" (bulk)."""

    at: datetime
    by: str
    social_point: str | None = None
    identified_by: str | None = None


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A person as kept. `version` is also the number of events there are of her."""

    id: UUID
    details: PersonDetails
    registered_at: datetime
    registered_at_social_point: str | None
    claimed: bool
    version: int


def columns(
    data: PersonalData, id: UUID, details: PersonDetails, registration: Registration
) -> dict[str, Any]:
    """The values of a new row of `person`, sealed."""
    return {
        "id": id,
        "given_name_sealed": data.seal(details.given_name, "person.given_name", id),
        "family_name_sealed": data.seal(details.family_name, "person.family_name", id),
        "birth_date_sealed": data.seal(details.birth_date.isoformat(), "person.birth_date", id),
        "sex_sealed": data.seal(details.sex.value, "person.sex", id),
        "comune": details.comune,
        "address_sealed": data.seal(details.address, "person.address", id),
        "email_sealed": data.seal_optional(details.email, "person.email", id),
        "phone_sealed": data.seal_optional(details.phone, "person.phone", id),
        "language": details.language,
        "household_id": details.household_id,
        "registered_at": registration.at,
        "registered_at_social_point": registration.social_point,
        "registered_by": registration.by,
        "identified_by": registration.identified_by,
        "version": 1,
    }


def codice_fiscale_columns(
    data: PersonalData, id: UUID, code: CodiceFiscale, since: datetime
) -> dict[str, Any]:
    """The values of a new row of `codice_fiscale`, sealed and indexed."""
    return {
        "value_index": data.index_codice_fiscale(code),
        "person_id": id,
        "value_sealed": data.seal(code.value, "codice_fiscale.value", id),
        "since": since,
        "until": None,
    }


def add(
    connection: sa.Connection,
    data: PersonalData,
    id: UUID,
    details: PersonDetails,
    registration: Registration,
) -> bool:
    """Write a new person; False if somebody has her codice fiscale, and the transaction must then be given
    up.

    Of several at once with the same code, all but one wait for that one's transaction and then get False.
    """
    connection.execute(sa.insert(person).values(columns(data, id, details, registration)))
    code = codice_fiscale_columns(data, id, details.codice_fiscale, registration.at)
    written = connection.execute(
        insert(codice_fiscale).values(code).on_conflict_do_nothing().returning(codice_fiscale.c.person_id)
    )
    return written.first() is not None


def find(connection: sa.Connection, data: PersonalData, id: UUID) -> PersonRecord | None:
    """The person with that id."""
    row = connection.execute(_SELECT.where(person.c.id == id)).mappings().first()
    return None if row is None else _record(data, row)


def exists(connection: sa.Connection, id: UUID) -> bool:
    """Whether there is a person with that id."""
    return connection.scalar(sa.select(person.c.id).where(person.c.id == id)) is not None


def find_by_codice_fiscale(
    connection: sa.Connection, data: PersonalData, code: CodiceFiscale
) -> PersonRecord | None:
    """The person who has or once had that code."""
    person_id = id_of(connection, data, code)
    return None if person_id is None else find(connection, data, person_id)


def id_of(connection: sa.Connection, data: PersonalData, code: CodiceFiscale) -> UUID | None:
    """The id of the person who has or once had that code."""
    found: UUID | None = connection.scalar(
        sa.select(codice_fiscale.c.person_id).where(
            codice_fiscale.c.value_index == data.index_codice_fiscale(code)
        )
    )
    return found


def known_codes(connection: sa.Connection, indexes: Collection[bytes]) -> frozenset[bytes]:
    """Which of these indexes of codici fiscali belong to somebody."""
    query = sa.select(codice_fiscale.c.value_index).where(codice_fiscale.c.value_index.in_(indexes))
    return frozenset(bytes(index) for index in connection.scalars(query))


def next_version(connection: sa.Connection, id: UUID) -> int:
    """Count a change of the person; the number of its event. Holds her row until the transaction ends."""
    statement = (
        sa.update(person)
        .where(person.c.id == id)
        .values(version=person.c.version + 1)
        .returning(person.c.version)
    )
    return int(connection.execute(statement).scalar_one())


def lock(connection: sa.Connection, ids: Collection[UUID]) -> None:
    """Hold the rows of these persons until the transaction ends; in one order, so that nobody waits in a
    ring.
    """
    connection.execute(
        sa.select(person.c.id)
        .where(person.c.id.in_(ids))
        .order_by(person.c.id)
        .with_for_update(key_share=True)
    )


def comune_exists(connection: sa.Connection, belfiore: str) -> bool:
    return connection.scalar(sa.select(comune.c.belfiore).where(comune.c.belfiore == belfiore)) is not None


def comuni(connection: sa.Connection) -> frozenset[str]:
    """Belfiore codes of the ambito's comuni."""
    return frozenset(connection.scalars(sa.select(comune.c.belfiore)))


def social_point_exists(connection: sa.Connection, slug: str) -> bool:
    return connection.scalar(sa.select(social_point.c.slug).where(social_point.c.slug == slug)) is not None


_SELECT = (
    sa.select(
        person,
        codice_fiscale.c.value_sealed,
        sa.exists().where(account.c.person_id == person.c.id).label("claimed"),
    )
    .join(codice_fiscale, codice_fiscale.c.person_id == person.c.id)
    .where(codice_fiscale.c.until.is_(None))
)


def _record(data: PersonalData, row: Mapping[Any, Any]) -> PersonRecord:
    person_id: UUID = row["id"]
    details = PersonDetails(
        codice_fiscale=CodiceFiscale(data.open(row["value_sealed"], "codice_fiscale.value", person_id)),
        given_name=data.open(row["given_name_sealed"], "person.given_name", person_id),
        family_name=data.open(row["family_name_sealed"], "person.family_name", person_id),
        birth_date=date.fromisoformat(data.open(row["birth_date_sealed"], "person.birth_date", person_id)),
        sex=Sex(data.open(row["sex_sealed"], "person.sex", person_id)),
        comune=row["comune"],
        address=data.open(row["address_sealed"], "person.address", person_id),
        email=data.open_optional(row["email_sealed"], "person.email", person_id),
        phone=data.open_optional(row["phone_sealed"], "person.phone", person_id),
        language=row["language"],
        household_id=row["household_id"],
    )
    return PersonRecord(
        id=person_id,
        details=details,
        registered_at=row["registered_at"],
        registered_at_social_point=row["registered_at_social_point"],
        claimed=row["claimed"],
        version=row["version"],
    )
