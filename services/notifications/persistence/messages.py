"""The inboxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.chassis.ids import new_id
from services.chassis.statements import Statement
from services.notifications.domain.notice import Facts, News, Notice
from services.notifications.persistence.contacts import in_force
from services.notifications.persistence.rows import as_arrays, given_rows
from services.notifications.persistence.tables import delegation, message


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as it is kept: its texts are written when it is read."""

    id: UUID
    event_id: UUID
    reader_id: UUID
    about_id: UUID
    notice: Notice
    facts: Facts
    created_at: datetime
    is_read: bool


def add_messages(connection: sa.Connection, told: Iterable[tuple[News, UUID]]) -> None:
    """Puts each piece of news into its reader's inbox, unless it is there."""
    rows = (
        {
            "id": new_id(),
            "event_id": news.event_id,
            "reader_id": reader,
            "about_id": news.person,
            "notice": news.notice.value,
            "facts": news.facts.to_json(),
        }
        for news, reader in told
    )
    _ADD.run(connection, as_arrays(rows, _GIVEN))


def list_messages(
    connection: sa.Connection, reader: UUID, *, before: UUID | None, limit: int, today: date
) -> list[StoredMessage]:
    """The newest `limit` messages of an inbox, older than the message `before`."""
    query = _SELECT.where(message.c.reader_id == reader, _may_still_be_seen(today))
    if before is not None:
        query = query.where(message.c.id < before)
    return [_stored(row) for row in connection.execute(query.order_by(message.c.id.desc()).limit(limit))]


def find_message(connection: sa.Connection, message_id: UUID, *, today: date) -> StoredMessage | None:
    """The message, if its reader may still see it."""
    row = connection.execute(_SELECT.where(message.c.id == message_id, _may_still_be_seen(today))).first()
    return None if row is None else _stored(row)


def mark_read(connection: sa.Connection, message_id: UUID) -> None:
    """Sets the moment of reading, once."""
    connection.execute(
        sa.update(message)
        .where(message.c.id == message_id, message.c.read_at.is_(None))
        .values(read_at=sa.func.now())
    )


def purge_messages(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Deletes at most `limit` messages older than `before`; how many."""
    batch = (
        sa.select(message.c.id)
        .where(message.c.created_at < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(
        sa.delete(message).where(message.c.id.in_(batch.cte("batch").select()))
    ).rowcount


def _may_still_be_seen(today: date) -> sa.ColumnElement[bool]:
    """One's own messages always; those about another person only while a delegation lasts."""
    still_delegate = sa.exists().where(
        delegation.c.principal_id == message.c.about_id,
        delegation.c.delegate_id == message.c.reader_id,
        in_force(today),
    )
    return sa.or_(message.c.about_id == message.c.reader_id, still_delegate)


_GIVEN: Final = ("id", "event_id", "reader_id", "about_id", "notice", "facts")
_ADD: Final = Statement(
    insert(message).from_select(_GIVEN, given_rows(message, _GIVEN)).on_conflict_do_nothing()
)
_SELECT = sa.select(
    message.c.id,
    message.c.event_id,
    message.c.reader_id,
    message.c.about_id,
    message.c.notice,
    message.c.facts,
    message.c.created_at,
    message.c.read_at.is_not(None).label("is_read"),
)


def _stored(row: sa.Row[*tuple[Any, ...]]) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        event_id=row.event_id,
        reader_id=row.reader_id,
        about_id=row.about_id,
        notice=Notice(row.notice),
        facts=Facts.from_json(row.facts),
        created_at=row.created_at,
        is_read=row.is_read,
    )
