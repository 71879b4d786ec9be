"""Claims: which accounts can still be taken over with a code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.identity.domain.claim import Claim
from services.identity.persistence.tables import claim


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """A claim and the nonce its code is computed from."""

    claim: Claim
    nonce: bytes


def issue(
    connection: sa.Connection,
    *,
    person_id: UUID,
    nonce: bytes,
    at: datetime,
    by: str,
    expires_at: datetime,
    attempts: int,
) -> None:
    """Open a person's claim; an earlier code of hers is void from now on."""
    values = {
        "nonce": nonce,
        "issued_at": at,
        "issued_by": by,
        "expires_at": expires_at,
        "attempts_left": attempts,
        "used_at": None,
    }
    connection.execute(
        insert(claim)
        .values(person_id=person_id, **values)
        .on_conflict_do_update(index_elements=[claim.c.person_id], set_=values)
    )


def hold(connection: sa.Connection, person_id: UUID) -> ClaimRecord | None:
    """A person's claim, held until the transaction ends."""
    row = connection.execute(sa.select(claim).where(claim.c.person_id == person_id).with_for_update()).first()
    if row is None:
        return None
    return ClaimRecord(Claim(row.expires_at, row.attempts_left, row.used_at), bytes(row.nonce))


def count_wrong_attempt(connection: sa.Connection, person_id: UUID) -> None:
    connection.execute(
        sa.update(claim)
        .where(claim.c.person_id == person_id)
        .values(attempts_left=sa.func.greatest(claim.c.attempts_left - 1, 0))
    )


def mark_used(connection: sa.Connection, person_id: UUID, at: datetime) -> None:
    connection.execute(sa.update(claim).where(claim.c.person_id == person_id).values(used_at=at))
