"""identity told who acts for whom: keep the copy by which delegates are told too."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from services.contracts.events.identity import DelegationGranted, DelegationRevoked
from services.notifications.persistence import contacts


def keep_granted(connection: sa.Connection, granted: DelegationGranted, sequence: int) -> None:
    """The delegation holds, unless a newer event has already ended it."""
    contacts.keep_delegation(
        connection,
        delegation_id=granted.delegation_id,
        principal_id=granted.principal_id,
        delegate_id=granted.delegate_id,
        powers=granted.powers,
        valid_to=granted.valid_to,
        revoked=False,
        sequence=sequence,
    )


def keep_revoked(connection: sa.Connection, revoked: DelegationRevoked, sequence: int) -> None:
    """The delegation holds no more, whether or not its grant has arrived."""
    contacts.keep_delegation(
        connection,
        delegation_id=revoked.delegation_id,
        principal_id=revoked.principal_id,
        delegate_id=revoked.delegate_id,
        powers=(),
        valid_to=date.min,
        revoked=True,
        sequence=sequence,
    )
