"""The persons that identity has told of."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.catalogue.persistence.tables import person


def remember(connection: sa.Connection, person_id: UUID, comune: str, sequence: int) -> None:
    """Keeps the comune of event `sequence`, unless that of a later event is kept already."""
    row = insert(person).values(id=person_id, comune=comune, sequence=sequence)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=[person.c.id],
            set_={"comune": row.excluded.comune, "sequence": row.excluded.sequence},
            where=person.c.sequence < row.excluded.sequence,
        )
    )
