"""The feed: an append-only table of every public event of a cooperative, read by cursor.

Rows are numbered when they are inserted and become visible when their transaction commits, in another order.
A reader that remembers "the last number I saw" would therefore skip a row that commits late. So every row
carries the id of its transaction, rows are read in the order (transaction, position), and only up to the
oldest transaction that is still running (`pg_snapshot_xmin`): whatever commits later has a greater id and
comes after every cursor given out so far.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from services.chassis.messaging.received import Received
from services.chassis.statements import Statement
from services.notifications.domain.feed import Cursor
from services.notifications.persistence import endpoints
from services.notifications.persistence.rows import as_arrays, given_rows
from services.notifications.persistence.tables import Xid8, feed_event, feed_horizon


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in the feed; `cursor` is the place right after it."""

    event_id: UUID
    type: str
    source: str
    subject: str
    sequence: int
    occurred_at: datetime
    data: str
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event for the feed of the cooperative `provider`."""

    event: Received
    provider: str
    source: str


GROWN_CHANNEL: Final = "feed_grown"
"""NOTIFY channel; `Growth.parse` reads what is said on it."""


@dataclass(frozen=True, slots=True)
class Growth:
    """The feed of `provider` got something by the transaction `xid`."""

    provider: str
    xid: int

    @classmethod
    def parse(cls, payload: str) -> Growth:
        """What was said on GROWN_CHANNEL."""
        xid, _, provider = payload.partition(" ")
        return cls(provider, int(xid))


def append(connection: sa.Connection, new: Iterable[NewEvent]) -> list[tuple[UUID, UUID]]:
    """Adds the events to their cooperatives' feeds, unless they are there. For those that it added, which of
    the cooperative's active endpoints want events of their type (event's id, endpoint's id); these stay
    active until the transaction ends.

    Whoever deletes or disables one meanwhile waits, and then gives up what was queued for it; whoever did so
    before is waited for. Else a delivery could be queued that nobody ever sends or gives up.

    Whose feeds have grown is said on GROWN_CHANNEL.
    """
    new = list(new)
    rows = (
        {
            "event_id": each.event.id,
            "provider": each.provider,
            "type": each.event.type,
            "source": each.source,
            "subject": each.event.subject,
            "sequence": each.event.sequence,
            "occurred_at": each.event.occurred_at,
            "data": each.event.body.decode(),
        }
        for each in new
    )
    wanted = _APPEND.all(connection, as_arrays(rows, _GIVEN))
    _ANNOUNCE.all(connection, {"providers": sorted({each.provider for each in new})})
    return [(row.event_id, row.id) for row in wanted]


def read_after(connection: sa.Connection, provider: str, after: Cursor, limit: int) -> list[StoredEvent]:
    """The next events of the cooperative, at most `limit`."""
    query = (
        sa.select(feed_event)
        .where(
            feed_event.c.provider == provider,
            sa.tuple_(feed_event.c.xid, feed_event.c.position) > _place(after),
            *_settled(),
        )
        .order_by(feed_event.c.xid, feed_event.c.position)
        .limit(limit)
    )
    return [
        StoredEvent(
            event_id=row.event_id,
            type=row.type,
            source=row.source,
            subject=row.subject,
            sequence=row.sequence,
            occurred_at=row.occurred_at,
            data=row.data,
            cursor=Cursor(row.xid, row.position),
        )
        for row in connection.execute(query)
    ]


def settled_before(connection: sa.Connection) -> int:
    """The transaction id below which everything that will ever be in the feed can be read."""
    return connection.execute(sa.select(_OLDEST_RUNNING)).scalar_one()


def newest_place(connection: sa.Connection) -> Cursor:
    """After all that can be read now, and before whatever cannot yet."""
    return Cursor(settled_before(connection))


def horizon(connection: sa.Connection, provider: str) -> Cursor:
    """The place of the newest event that is no longer kept; the beginning if none was ever removed."""
    row = connection.execute(
        sa.select(feed_horizon.c.xid, feed_horizon.c.position).where(feed_horizon.c.provider == provider)
    ).first()
    return Cursor() if row is None else Cursor(row.xid, row.position)


def purge_feed(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Removes at most `limit` events received before `before` and moves the horizons past them; how many."""
    batch = (
        sa.select(feed_event.c.position)
        .where(feed_event.c.received_at < before, *_settled())
        .order_by(feed_event.c.xid, feed_event.c.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    removed = connection.execute(
        sa.delete(feed_event)
        .where(feed_event.c.position.in_(batch.cte("batch").select()))
        .returning(feed_event.c.provider, feed_event.c.xid, feed_event.c.position)
    ).all()
    newest: dict[str, Cursor] = {}
    for row in removed:
        place = Cursor(row.xid, row.position)
        newest[row.provider] = max(newest.get(row.provider, place), place)
    for provider, place in newest.items():
        connection.execute(
            insert(feed_horizon)
            .values(provider=provider, xid=place.xid, position=place.position)
            .on_conflict_do_update(
                index_elements=[feed_horizon.c.provider],
                set_={"xid": place.xid, "position": place.position},
                where=sa.tuple_(feed_horizon.c.xid, feed_horizon.c.position) < _place(place),
            )
        )
    return len(removed)


_GIVEN: Final = ("event_id", "provider", "type", "source", "subject", "sequence", "occurred_at", "data")


def _append_statement() -> sa.Select[tuple[UUID, UUID]]:
    appended = (
        insert(feed_event)
        .from_select(_GIVEN, given_rows(feed_event, _GIVEN))
        .on_conflict_do_nothing()
        .returning(feed_event.c.event_id, feed_event.c.provider, feed_event.c.type)
        .cte("appended")
    )
    return endpoints.subscribed(appended.c.provider, appended.c.type).add_columns(appended.c.event_id)


_APPEND: Final = Statement(_append_statement())
_ANNOUNCE: Final = Statement(
    sa.select(
        sa.func.pg_notify(
            GROWN_CHANNEL,
            sa.cast(sa.func.pg_current_xact_id(), sa.Text)
            + " "
            + sa.func.unnest(sa.bindparam("providers", type_=ARRAY(sa.Text))).column_valued("provider"),
        )
    )
)
_OLDEST_RUNNING: Final = sa.func.pg_snapshot_xmin(sa.func.pg_current_snapshot(), type_=Xid8)


def _settled() -> tuple[sa.ColumnElement[bool], ...]:
    """No transaction that is still running, or yet to begin, can add a row before these."""
    return (feed_event.c.xid < _OLDEST_RUNNING,)


def _place(cursor: Cursor) -> sa.Tuple:
    return sa.tuple_(sa.literal(cursor.xid, Xid8), sa.literal(cursor.position, sa.BigInteger))
