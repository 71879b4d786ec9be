"""A cooperative reads its feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis.caller import Caller
from services.chassis.database import Database
from services.notifications.application.may import require_provider
from services.notifications.domain.errors import FeedCursorTooOld
from services.notifications.domain.feed import Cursor
from services.notifications.persistence import feed
from services.notifications.persistence.feed import StoredEvent


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Events in the feed's order; `cursor` is where to go on; `more` says that there is more right now."""

    items: Sequence[StoredEvent]
    cursor: Cursor
    more: bool


@dataclass(frozen=True, slots=True)
class ReadFeed:
    """Reads on after a cursor. The beginning is the oldest event that is still kept."""

    database: Database

    def __call__(self, caller: Caller, provider: str, after: Cursor, limit: int) -> FeedPage:
        """At most `limit` events. Raises Unauthenticated, Forbidden, FeedCursorTooOld."""
        require_provider(caller, provider)
        with self.database.read() as connection:
            found = feed.read_after(connection, provider, after, limit + 1)
            # After reading: had events been removed in between, the horizon shows it.
            if Cursor() < after < feed.horizon(connection, provider):
                raise FeedCursorTooOld(field="after")
        page = found[:limit]
        return FeedPage(page, page[-1].cursor if page else after, len(found) > limit)

    def now(self, caller: Caller, provider: str) -> FeedPage:
        """Nothing; from its cursor on is read what cannot be read yet. Raises Unauthenticated, Forbidden."""
        require_provider(caller, provider)
        with self.database.read() as connection:
            return FeedPage((), feed.newest_place(connection), more=False)
