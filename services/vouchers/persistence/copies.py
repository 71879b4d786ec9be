"""What this service keeps of others' events: persons, cooperatives, services.

Events may arrive in any order and more than once; each copy remembers the sequence of the event it comes from
and takes over only from a later one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.vouchers.domain.accreditation import Accreditation
from services.vouchers.domain.period import Period
from services.vouchers.persistence.tables import person, provider, service


@dataclass(frozen=True, slots=True)
class ServiceCopy:
    """A service: its section of the register (empty: none needed), its tariff, the measures that pay for
    it.
    """

    slug: str
    section: str
    duration_minutes: int
    price_cents: int
    measures: frozenset[str]


def keep_person(connection: sa.Connection, person_id: UUID, comune: str, sequence: int) -> None:
    """Take over where a person lives."""
    _keep(connection, person, {"id": person_id, "comune": comune, "sequence": sequence})


def keep_provider(
    connection: sa.Connection, slug: str, accreditations: Iterable[Accreditation], sequence: int
) -> None:
    """Take over a cooperative with all its accreditations."""
    facts = [
        {
            "section": held.section,
            "state": held.state,
            "valid_from": held.period.first.isoformat(),
            "valid_to": None if held.period.last is None else held.period.last.isoformat(),
        }
        for held in accreditations
    ]
    _keep(connection, provider, {"slug": slug, "accreditations": facts, "sequence": sequence})


def keep_service(connection: sa.Connection, copy: ServiceCopy, sequence: int) -> None:
    """Take over a service."""
    values = {
        "slug": copy.slug,
        "section": copy.section,
        "duration_minutes": copy.duration_minutes,
        "price_cents": copy.price_cents,
        "measures": sorted(copy.measures),
        "sequence": sequence,
    }
    _keep(connection, service, values)


def comune_of(connection: sa.Connection, person_id: UUID, *, lock: bool = False) -> str | None:
    """The person's comune of residence, None if the person is not known here.

    `lock`: until the transaction ends, who else asks for the lock waits; so decisions that look at everything
    a person has are taken one after the other.
    """
    query = sa.select(person.c.comune).where(person.c.id == person_id)
    return connection.execute(query.with_for_update() if lock else query).scalar_one_or_none()


def accreditations_of(connection: sa.Connection, slug: str) -> list[Accreditation] | None:
    """All accreditations of a cooperative, None if it is not known here."""
    facts = connection.execute(
        sa.select(provider.c.accreditations).where(provider.c.slug == slug)
    ).scalar_one_or_none()
    if facts is None:
        return None
    return [
        Accreditation(
            fact["section"],
            fact["state"],
            Period(date.fromisoformat(fact["valid_from"]), _day(fact["valid_to"])),
        )
        for fact in facts
    ]


def find_service(connection: sa.Connection, slug: str) -> ServiceCopy | None:
    """A service, None if it is not known here."""
    row = connection.execute(sa.select(service).where(service.c.slug == slug)).first()
    if row is None:
        return None
    return ServiceCopy(row.slug, row.section, row.duration_minutes, row.price_cents, frozenset(row.measures))


def _keep(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> None:
    statement = insert(table).values(values)
    (key,) = table.primary_key.columns
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[key],
            set_={name: statement.excluded[name] for name in values if name != key.name},
            where=statement.excluded.sequence > table.c.sequence,
        )
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
