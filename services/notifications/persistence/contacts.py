"""This service's own copy of who can be told, and who acts for whom. Old events never replace new ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from services.chassis.statements import Statement
from services.notifications.domain.recipients import Recipient
from services.notifications.persistence.tables import delegation, recipient


@dataclass(frozen=True, slots=True)
class StoredRecipient:
    """A row of `recipient`; `contact` is sealed."""

    person_id: UUID
    household_id: UUID
    language: str
    contact: str
    has_email: bool


def keep_recipient(connection: sa.Connection, row: StoredRecipient, sequence: int) -> None:
    """Inserts or replaces the copy, unless what is there comes from a newer event."""
    values = {
        "household_id": row.household_id,
        "language": row.language,
        "contact": row.contact,
        "has_email": row.has_email,
        "sequence": sequence,
    }
    statement = insert(recipient).values(person_id=row.person_id, **values)
    statement = statement.on_conflict_do_update(
        index_elements=[recipient.c.person_id], set_=values, where=recipient.c.sequence < sequence
    )
    connection.execute(statement)


def find_recipients(connection: sa.Connection, persons: Collection[UUID]) -> dict[UUID, StoredRecipient]:
    """The known ones among `persons`."""
    rows = connection.execute(_RECIPIENTS, {"persons": list(persons)})
    return {row.person_id: StoredRecipient(*row) for row in rows}


def keep_delegation(
    connection: sa.Connection,
    *,
    delegation_id: UUID,
    principal_id: UUID,
    delegate_id: UUID,
    powers: Sequence[str],
    valid_to: date,
    revoked: bool,
    sequence: int,
) -> None:
    """Inserts or replaces the copy, unless what is there comes from a newer event.

    A revocation that arrives before the grant stays, so that the grant, when it comes, is recognised as old.
    """
    values = {"powers": list(powers), "valid_to": valid_to, "revoked": revoked, "sequence": sequence}
    statement = insert(delegation).values(
        delegation_id=delegation_id, principal_id=principal_id, delegate_id=delegate_id, **values
    )
    statement = statement.on_conflict_do_update(
        index_elements=[delegation.c.delegation_id], set_=values, where=delegation.c.sequence < sequence
    )
    connection.execute(statement)


@dataclass(frozen=True, slots=True)
class Concerned:
    """Somebody whom what happens to a person concerns, as far as this service knows her."""

    person_id: UUID
    powers: Sequence[str]
    """What she may do as the person's delegate; empty for the person herself."""
    known: Recipient | None


def concerned(connection: sa.Connection, persons: Collection[UUID], day: date) -> dict[UUID, list[Concerned]]:
    """For each person: she herself, then those who hold a delegation of hers on `day`, the oldest first."""
    found: dict[UUID, list[Concerned]] = {person: [] for person in persons}
    for row in _CONCERNED.all(connection, {"persons": list(found), "day": day}):
        known = (
            None if row.household_id is None else Recipient(row.person_id, row.household_id, row.has_email)
        )
        found[row.principal_id].append(Concerned(row.person_id, row.powers, known))
    return found


def in_force(day: date | sa.ColumnElement[date]) -> sa.ColumnElement[bool]:
    """The condition under which a delegation holds on `day`."""
    return sa.and_(~delegation.c.revoked, delegation.c.valid_to >= day)


_RECIPIENTS: Final = sa.select(
    recipient.c.person_id,
    recipient.c.household_id,
    recipient.c.language,
    recipient.c.contact,
    recipient.c.has_email,
).where(recipient.c.person_id == sa.any_(sa.bindparam("persons", type_=ARRAY(sa.UUID))))


def _concerned_statement() -> sa.Select[Any]:
    persons = sa.bindparam("persons", type_=ARRAY(sa.UUID))
    person = sa.func.unnest(persons).column_valued("person")
    themselves = sa.select(
        person.label("principal_id"),
        person.label("person_id"),
        sa.cast(sa.literal([], ARRAY(sa.Text)), ARRAY(sa.Text)).label("powers"),
        sa.cast(sa.null(), sa.UUID).label("since"),
    )
    delegates = sa.select(
        delegation.c.principal_id, delegation.c.delegate_id, delegation.c.powers, delegation.c.delegation_id
    ).where(delegation.c.principal_id == sa.any_(persons), in_force(sa.bindparam("day", type_=sa.Date)))
    everybody = sa.union_all(themselves, delegates).subquery("everybody")
    return (
        sa.select(
            everybody.c.principal_id,
            everybody.c.person_id,
            everybody.c.powers,
            recipient.c.household_id,
            recipient.c.has_email,
        )
        .join_from(everybody, recipient, recipient.c.person_id == everybody.c.person_id, isouter=True)
        .order_by(everybody.c.since.nulls_first())
    )


_CONCERNED: Final = Statement(_concerned_statement())
