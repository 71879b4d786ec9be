"""E-mails to be sent: an intent written with the event's other effects, performed later under a lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.chassis.ids import new_id
from services.chassis.statements import Place, Statement
from services.notifications.domain.notice import Facts, News, Notice
from services.notifications.domain.recipients import Recipient
from services.notifications.persistence.rows import as_arrays, given_rows
from services.notifications.persistence.tables import email, recipient


@dataclass(frozen=True, slots=True)
class ClaimedEmail:
    """An e-mail that this process alone may send until its lease ends. `contact` is sealed, and current."""

    id: UUID
    lease: UUID
    leased_until: datetime
    event_id: UUID
    household_id: UUID
    reader_id: UUID
    about_id: UUID
    notice: Notice
    facts: Facts
    attempts: int
    language: str
    contact: str
    traceparent: str | None


def add_emails(connection: sa.Connection, told: Sequence[tuple[News, Recipient]]) -> None:
    """Queues one e-mail for each; a household that already has one of this event gets no second."""
    rows = (
        {
            "id": new_id(),
            "event_id": news.event_id,
            "household_id": reader.household_id,
            "reader_id": reader.person_id,
            "about_id": news.person,
            "notice": news.notice.value,
            "facts": news.facts.to_json(),
            "traceparent": news.traceparent,
        }
        for news, reader in told
    )
    if told:
        _ADD.run(connection, as_arrays(rows, _GIVEN))


def claim_emails(
    place: Place, limit: int, *, lease: UUID, now: datetime, until: datetime
) -> list[ClaimedEmail]:
    """Takes at most `limit` due e-mails that nobody holds, the longest due first."""
    parameters = {"now": now, "most": limit, "new_lease": lease, "until": until}
    return [
        ClaimedEmail(
            id=row.id,
            lease=lease,
            leased_until=until,
            event_id=row.event_id,
            household_id=row.household_id,
            reader_id=row.reader_id,
            about_id=row.about_id,
            notice=Notice(row.notice),
            facts=Facts.from_json(row.facts),
            attempts=row.attempts,
            language=row.language,
            contact=row.contact,
            traceparent=row.traceparent,
        )
        for row in _CLAIM.all(place, parameters)
    ]


def finish_email(
    place: Place, claimed: ClaimedEmail, *, state: str, error: str | None, now: datetime
) -> None:
    """The e-mail is `sent`, or `failed` for good. Does nothing if the lease has passed to somebody else."""
    parameters = {"email": claimed.id, "held": claimed.lease, "new_state": state, "error": error, "now": now}
    _FINISH.run(place, parameters)


def postpone_email(place: Place, claimed: ClaimedEmail, *, until: datetime, error: str) -> None:
    """The e-mail is tried again at `until`. Does nothing if the lease has passed to somebody else."""
    parameters = {"email": claimed.id, "held": claimed.lease, "until": until, "error": error}
    _POSTPONE.run(place, parameters)


def give_back(place: Place, claimed: ClaimedEmail) -> None:
    """Nobody has tried to send the e-mail; it is due as before the claim. Does nothing if the lease has
    passed to somebody else.
    """
    _GIVE_BACK.run(place, {"email": claimed.id, "held": claimed.lease})


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


_GIVEN: Final = (
    "id", "event_id", "household_id", "reader_id", "about_id", "notice", "facts", "traceparent",
)  # fmt: skip
_ADD: Final = Statement(insert(email).from_select(_GIVEN, given_rows(email, _GIVEN)).on_conflict_do_nothing())
_NOW: Final = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_UNTIL: Final = sa.bindparam("until", type_=sa.DateTime(timezone=True))
_ERROR: Final = sa.bindparam("error", type_=sa.Text)
_DUE: Final = (
    sa.select(email.c.id)
    .where(
        email.c.state == "pending",
        email.c.next_attempt_at <= _NOW,
        sa.or_(email.c.leased_until.is_(None), email.c.leased_until <= _NOW),
    )
    .order_by(email.c.next_attempt_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM: Final = Statement(
    sa.update(email)
    .where(email.c.id == _DUE.c.id, recipient.c.person_id == email.c.reader_id)
    .values(
        lease=sa.bindparam("new_lease", type_=sa.UUID), leased_until=_UNTIL, attempts=email.c.attempts + 1
    )
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
        email.c.traceparent,
    )
)
_MINE: Final = sa.update(email).where(
    email.c.id == sa.bindparam("email", type_=sa.UUID), email.c.lease == sa.bindparam("held", type_=sa.UUID)
)
_FINISH: Final = Statement(
    _MINE.values(
        state=sa.bindparam("new_state", type_=sa.Text),
        last_error=_ERROR,
        finished_at=_NOW,
        lease=None,
        leased_until=None,
    )
)
_GIVE_BACK: Final = Statement(_MINE.values(attempts=email.c.attempts - 1, lease=None, leased_until=None))
_POSTPONE: Final = Statement(
    _MINE.values(next_attempt_at=_UNTIL, last_error=_ERROR, lease=None, leased_until=None)
)
