"""E-mails to be sent: an intent written with the event's other effects, performed later under a lease."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.chassis.ids import new_id
from services.notifications.domain.notice import Facts, Notice
from services.notifications.domain.recipients import Recipient
from services.notifications.persistence.tables import email, recipient


@dataclass(frozen=True, slots=True)
class ClaimedEmail:
    """An e-mail that this process alone may send until its lease ends. `contact` is sealed, and current."""

    id: UUID
    lease: UUID
    event_id: UUID
    household_id: UUID
    reader_id: UUID
    about_id: UUID
    notice: Notice
    facts: Facts
    attempts: int
    language: str
    contact: str


def add_emails(
    connection: sa.Connection,
    *,
    event_id: UUID,
    readers: Iterable[Recipient],
    about: UUID,
    notice: Notice,
    facts: Facts,
) -> None:
    """Queues one e-mail for each reader; a household that already has one of this event gets no second."""
    rows = [
        {
            "id": new_id(),
            "event_id": event_id,
            "household_id": reader.household_id,
            "reader_id": reader.person_id,
            "about_id": about,
            "notice": notice.value,
            "facts": facts.to_json(),
        }
        for reader in readers
    ]
    if rows:
        connection.execute(insert(email).on_conflict_do_nothing(), rows)


def claim_emails(
    connection: sa.Connection, limit: int, *, lease: UUID, now: datetime, until: datetime
) -> list[ClaimedEmail]:
    """Takes at most `limit` due e-mails that nobody holds, the longest due first."""
    due = (
        sa.select(email.c.id)
        .where(email.c.state == "pending", email.c.next_attempt_at <= now, _free(now))
        .order_by(email.c.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        sa.update(email)
        .where(email.c.id == due.c.id, recipient.c.person_id == email.c.reader_id)
        .values(lease=lease, leased_until=until, attempts=email.c.attempts + 1)
        .returning(
            email.c.id,
            email.c.event_id,
            email.c.household_id,
            email.c.reader_id,
            email.c.about_id,
            email.c.notice,
            email.c.facts,
            email.c.attempts,
            recipient.c.language,
            recipient.c.contact,
        )
    )
    return [
        ClaimedEmail(
            id=row.id,
            lease=lease,
            event_id=row.event_id,
            household_id=row.household_id,
            reader_id=row.reader_id,
            about_id=row.about_id,
            notice=Notice(row.notice),
            facts=Facts.from_json(row.facts),
            attempts=row.attempts,
            language=row.language,
            contact=row.contact,
        )
        for row in connection.execute(statement)
    ]


def finish_email(
    connection: sa.Connection, claimed: ClaimedEmail, *, state: str, error: str | None, now: datetime
) -> None:
    """The e-mail is `sent`, or `failed` for good. Does nothing if the lease has passed to somebody else."""
    connection.execute(
        _mine(claimed).values(state=state, last_error=error, finished_at=now, lease=None, leased_until=None)
    )


def postpone_email(connection: sa.Connection, claimed: ClaimedEmail, *, until: datetime, error: str) -> None:
    """The e-mail is tried again at `until`. Does nothing if the lease has passed to somebody else."""
    connection.execute(
        _mine(claimed).values(next_attempt_at=until, last_error=error, lease=None, leased_until=None)
    )


def oldest_due_email(connection: sa.Connection, now: datetime) -> timedelta:
    """For how long the longest due e-mail has been due; zero if none is."""
    since = connection.scalar(
        sa.select(sa.func.min(email.c.next_attempt_at)).where(
            email.c.state == "pending", email.c.next_attempt_at <= now
        )
    )
    return timedelta(0) if since is None else now - since


def purge_emails(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Deletes at most `limit` finished e-mails created before `before`; how many."""
    batch = (
        sa.select(email.c.id)
        .where(email.c.created_at < before, email.c.state != "pending")
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(sa.delete(email).where(email.c.id.in_(batch.cte("batch").select()))).rowcount


def _free(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(email.c.leased_until.is_(None), email.c.leased_until <= now)


def _mine(claimed: ClaimedEmail) -> sa.Update:
    return sa.update(email).where(email.c.id == claimed.id, email.c.lease == claimed.lease)
