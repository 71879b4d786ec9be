"""Who looked at whose file, and who assisted whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from services.identity.persistence.personal_data import PersonalData
from services.identity.persistence.tables import assistance, file_read


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """One look at a person's file. `reader` is the subject of the reader's token."""

    at: datetime
    reader: str
    role: str
    operation: str
    reason: str


def record(
    connection: sa.Connection, data: PersonalData, *, id: UUID, person_id: UUID, read: ReadRecord
) -> None:
    """Write down a look at a file, in the transaction of the look."""
    connection.execute(
        sa.insert(file_read).values(
            id=id,
            person_id=person_id,
            at=read.at,
            reader=read.reader,
            role=read.role,
            operation=read.operation,
            reason_sealed=data.seal(read.reason, "file_read.reason", id),
        )
    )


def newest(connection: sa.Connection, data: PersonalData, person_id: UUID, limit: int) -> list[ReadRecord]:
    """The last `limit` looks at a person's file, newest first."""
    query = (
        sa.select(file_read)
        .where(file_read.c.person_id == person_id)
        .order_by(file_read.c.at.desc(), file_read.c.id.desc())
        .limit(limit)
    )
    return [
        ReadRecord(
            at=row.at,
            reader=row.reader,
            role=row.role,
            operation=row.operation,
            reason=data.open(row.reason_sealed, "file_read.reason", row.id),
        )
        for row in connection.execute(query)
    ]


def record_assistance(
    connection: sa.Connection,
    data: PersonalData,
    *,
    id: UUID,
    person_id: UUID,
    operator: str,
    social_point: str,
    identified_by: str,
    purpose: str,
    started_at: datetime,
    expires_at: datetime,
) -> None:
    """Write down that an operator acts for a person who is present and consents."""
    connection.execute(
        sa.insert(assistance).values(
            id=id,
            person_id=person_id,
            operator=operator,
            social_point=social_point,
            identified_by=identified_by,
            purpose_sealed=data.seal(purpose, "assistance.purpose", id),
            started_at=started_at,
            expires_at=expires_at,
        )
    )
