"""The feed: everything, once, in one order, and nothing skipped whoever commits when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from services.chassis.caller import Caller, Role
from services.chassis.clock import FixedClock
from services.chassis.ids import new_id
from services.chassis.messaging.received import PermanentFailure, Received
from services.contracts.events.notifications import WebhookEndpointDisabled
from services.contracts.events.vouchers import VoucherProviderChosen
from services.notifications.application.feed_events import feed_events
from services.notifications.application.purge import purge
from services.notifications.application.read_feed import FeedPage, ReadFeed
from services.notifications.domain.errors import FeedCursorTooOld
from services.notifications.domain.feed import Cursor
from services.notifications.persistence import feed
from tests.notifications.support.world import OTHER_PROVIDER, PROVIDER, Someone, World, booking, public_event

MARIA = Someone("Maria", None)
CLIENT = Caller("client", roles=frozenset({Role("provider_client", PROVIDER)}))


def read(world: World, after: Cursor | None = None, limit: int = 100) -> FeedPage:
    return ReadFeed(world.database)(CLIENT, PROVIDER, after or Cursor(), limit)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": b"<html>"}, "body is not a BookingConfirmed"),
        ({"body": b"\xff\xfe{"}, "body is not a BookingConfirmed"),
        ({"body": b"[1, 2]"}, "body is not a BookingConfirmed"),
        ({"body": b'{"surprise": true}'}, "body is not a BookingConfirmed"),
        ({"headers": {}}, "ce-source"),
        ({"headers": {"ce-source": 1}}, "ce-source"),
    ],
)
def test_what_breaks_its_contract_reaches_no_cooperative(
    world: World, change: dict[str, Any], reason: str
) -> None:
    """It could be read by nobody: the feed's page with it would fail for ever."""
    malformed = replace(public_event(booking(MARIA).to_json()), **change)
    with pytest.raises(PermanentFailure, match=reason), world.database.transaction() as connection:
        feed_events(connection, [malformed])
    assert read(world).items == []


@contextmanager
def uncommitted(world: World, event: Received) -> Iterator[sa.Connection]:
    """A worker that has written the event and takes its time to commit; it does when the block ends."""
    with world.database.transaction() as connection:
        feed_events(connection, [event])
        yield connection


def read_by_pages_while_one_commits_late(world: World) -> tuple[list[Received], list[object]]:
    """Two events; the first one's transaction is the longer. Reads before and after its end, by cursor."""
    early, late = public_event(booking(MARIA).to_json()), public_event(booking(MARIA).to_json())
    with uncommitted(world, early):
        with world.database.transaction() as connection:
            feed_events(connection, [late])
        first = read(world)
    second = read(world, first.cursor)
    return [early, late], [event.event_id for page in (first, second) for event in page.items]


def test_without_the_guard_a_late_commit_is_skipped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, the next test proves nothing."""
    monkeypatch.setattr(feed, "_settled", lambda: ())
    (early, late), seen = read_by_pages_while_one_commits_late(world)
    assert seen == [late.id]
    assert early.id not in seen


def test_a_long_running_transaction_is_waited_for_and_nothing_is_skipped(world: World) -> None:
    events, seen = read_by_pages_while_one_commits_late(world)
    assert seen == [event.id for event in events]


def test_an_empty_page_keeps_the_cursor(world: World) -> None:
    world.knows(MARIA)
    world.told(booking(MARIA))
    page = read(world)
    again = read(world, page.cursor)
    assert (again.items, again.cursor, again.more) == ([], page.cursor, False)


def test_pages_join_without_gap_or_repetition(world: World) -> None:
    world.knows(MARIA)
    told = [world.told(booking(MARIA)) for _ in range(7)]
    seen, cursor, more = [], Cursor(), True
    while more:
        page = read(world, cursor, limit=3)
        seen += [event.event_id for event in page.items]
        cursor, more = page.cursor, page.more
    assert seen == told


def test_only_the_cooperatives_own_public_events_with_everything_as_published(world: World) -> None:
    world.knows(MARIA)
    event = booking(MARIA)
    mine = world.told(event, subject=str(event.booking_id), sequence=4)
    world.told(booking(MARIA, provider=OTHER_PROVIDER))
    chosen = VoucherProviderChosen.example_data()
    chosen_id = world.told(chosen, provider=PROVIDER)
    disabled_id = world.told(WebhookEndpointDisabled.example_data(), provider=PROVIDER)
    items = read(world).items
    assert [item.event_id for item in items] == [mine, chosen_id, disabled_id]
    first = items[0]
    assert (first.type, first.source, first.subject, first.sequence) == (
        "ambito.catalogue.booking.confirmed.v1",
        "ambito/catalogue",
        str(event.booking_id),
        4,
    )
    assert first.data.encode() == event.to_json()


def test_a_duplicate_is_there_once(world: World) -> None:
    world.knows(MARIA)
    event, event_id = booking(MARIA), new_id()
    world.told(event, event_id=event_id)
    world.change("DELETE FROM inbox")
    world.told(event, event_id=event_id)
    assert len(read(world).items) == 1


def test_reading_on_where_events_were_removed_is_refused_and_from_the_beginning_is_not(world: World) -> None:
    world.knows(MARIA)
    world.told(booking(MARIA))
    old = read(world).cursor
    world.told(booking(MARIA))
    newer = read(world).cursor
    world.change("UPDATE feed_event SET received_at = received_at - interval '500 days'")
    kept = world.told(booking(MARIA))
    purge(world.database, FixedClock(datetime.now(UTC) + timedelta(minutes=1)), world.settings)
    with pytest.raises(FeedCursorTooOld):
        read(world, old)
    assert [event.event_id for event in read(world, newer).items] == [kept]
    assert [event.event_id for event in read(world).items] == [kept]
