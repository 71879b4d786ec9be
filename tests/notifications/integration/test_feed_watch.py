"""Whose feeds have grown is told at once, to everybody who watches, and not before it can be read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
import sqlalchemy as sa

from services.chassis.caller import ANONYMOUS, Caller, Role
from services.chassis.refusal import Forbidden, Unauthenticated
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb
from services.notifications.application.feed_events import feed_events
from services.notifications.application.read_feed import ReadFeed
from services.notifications.domain.feed import Cursor
from services.notifications.entrypoints.feed_watch import FeedWatch, Grown
from services.notifications.persistence import feed
from tests.notifications.support.api import serving
from tests.notifications.support.world import OTHER_PROVIDER, PROVIDER, Someone, World, booking, public_event
from tests.support.polling import eventually

MARIA = Someone("Maria", None)
CLIENT = Caller("client", roles=frozenset({Role("provider_client", PROVIDER)}))
ANY = Grown(any=True)


class Watching:
    """Somebody who watches until the block ends, and what they have been told."""

    def __init__(self, watch: FeedWatch, seconds: float = 60) -> None:
        self.told: list[Grown] = []
        self._leave: list[Callable[[], None]] = []
        self._arguments = watch, seconds
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        watch, seconds = self._arguments
        for grown in watch.watch(seconds, self._may_leave_by):
            self.told.append(grown)

    def _may_leave_by(self, leave: Callable[[], None]) -> bool:
        self._leave.append(leave)
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for leave in self._leave:
            leave()
        self.wait()

    def wait(self) -> None:
        """Until it is over."""
        self._thread.join(30)
        assert not self._thread.is_alive()

    def of(self, provider: str) -> list[Grown]:
        return [each for each in self.told if provider in each.providers]


@pytest.fixture
def watch(world: World) -> Iterator[FeedWatch]:
    world.knows(MARIA)
    made = FeedWatch(world.database)
    yield made
    made.end()


def readable(world: World) -> int:
    with world.database.read() as connection:
        return len(feed.read_after(connection, PROVIDER, Cursor(), 100))


def test_everybody_who_watches_is_told_whose_feed_has_grown(world: World, watch: FeedWatch) -> None:
    with Watching(watch) as one, Watching(watch) as other:
        eventually(lambda: ANY in one.told and ANY in other.told)
        world.told(booking(MARIA))
        for each in (one, other):
            eventually(each.of, PROVIDER)
            assert each.of(OTHER_PROVIDER) == []
        world.told(booking(MARIA, provider=OTHER_PROVIDER))
        eventually(lambda: one.of(OTHER_PROVIDER))


def test_who_comes_later_is_told_at_once_that_it_may_be_any(world: World, watch: FeedWatch) -> None:
    with Watching(watch) as first:
        eventually(lambda: first.told)
        world.told(booking(MARIA))
        eventually(lambda: first.of(PROVIDER))
        with Watching(watch) as second:
            eventually(lambda: second.told == [ANY])


def test_what_is_taken_back_is_not_told(world: World, watch: FeedWatch) -> None:
    with Watching(watch) as watching:
        eventually(lambda: watching.told == [ANY])
        with world.database.transaction() as connection:
            feed_events(connection, [public_event(booking(MARIA).to_json())])
            connection.rollback()
        world.told(booking(MARIA, provider=OTHER_PROVIDER))
        eventually(lambda: watching.of(OTHER_PROVIDER))
        assert watching.of(PROVIDER) == []


@contextmanager
def older_transaction(world: World) -> Iterator[sa.Connection]:
    """One that has changed something and takes its time to commit."""
    with world.database.transaction() as connection:
        connection.execute(sa.text("SELECT pg_current_xact_id()"))
        yield connection


def told_beside_an_older_transaction(
    world: World, monkeypatch: pytest.MonkeyPatch, settled_before: Callable[[sa.Connection], int]
) -> tuple[int, int]:
    """How much was told before an older transaction ended, and after."""
    looks = []

    def looked(connection: sa.Connection) -> int:
        looks.append(settled_before(connection))
        return looks[-1]

    monkeypatch.setattr(feed, "settled_before", looked)
    watch = FeedWatch(world.database)
    with Watching(watch) as watching:
        eventually(lambda: watching.told == [ANY])
        with older_transaction(world):
            world.told(booking(MARIA))
            eventually(lambda: watching.of(PROVIDER) or len(looks) >= 3)
            assert readable(world) == 0
            before = len(watching.of(PROVIDER))
        eventually(lambda: watching.of(PROVIDER))
        assert readable(world) == 1
        watch.end()
    return before, len(watching.of(PROVIDER))


def test_without_the_guard_it_is_told_too_early(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, the next test proves nothing."""
    world.knows(MARIA)
    assert told_beside_an_older_transaction(world, monkeypatch, lambda _connection: 2**62) == (1, 1)


def test_it_is_told_when_it_can_be_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.knows(MARIA)
    assert told_beside_an_older_transaction(world, monkeypatch, feed.settled_before) == (0, 1)


def test_whoever_is_slow_is_told_all_at_once(world: World, watch: FeedWatch) -> None:
    slow = watch.watch(60, lambda _leave: True)
    assert next(slow) == ANY
    with Watching(watch) as quick:
        for number in range(30):
            world.told(booking(MARIA, provider=(PROVIDER, OTHER_PROVIDER)[number % 2]))
        eventually(lambda: quick.of(PROVIDER) and quick.of(OTHER_PROVIDER))
        providers: set[str] = set()
        while providers != {PROVIDER, OTHER_PROVIDER}:
            providers |= next(slow).providers
    slow.close()  # type: ignore[attr-defined]  # a generator


def test_a_lost_connection_is_made_again_and_then_it_may_be_any(world: World, watch: FeedWatch) -> None:
    with Watching(watch) as watching:
        eventually(lambda: watching.told == [ANY])
        world.change(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        eventually(lambda: watching.told.count(ANY) == 2)
        eventually(lambda: world.told(booking(MARIA)) and watching.of(PROVIDER))


def test_a_watch_lasts_for_so_long(world: World, watch: FeedWatch) -> None:
    with Watching(watch, seconds=0.2) as watching:
        watching.wait()
    assert set(watching.told) <= {ANY}


def test_when_it_ends_every_watch_does_and_none_begins(watch: FeedWatch) -> None:
    with Watching(watch) as watching:
        eventually(lambda: watching.told)
        watch.end()
        watching.wait()
    assert list(watch.watch(60, lambda _leave: True)) == []


def test_who_has_left_before_it_begins_is_told_nothing(watch: FeedWatch) -> None:
    assert list(watch.watch(60, lambda _leave: False)) == []


def test_over_grpc_it_ends_in_order_with_the_server(world: World, tmp_path: Path) -> None:
    world.knows(MARIA)
    with serving(world, tmp_path) as api, ThreadPoolExecutor(1) as pool:
        stream = api.stream("WatchFeeds", pb.WatchFeedsRequest())
        assert next(stream) == pb.WatchFeedsResponse(any=True)
        world.told(booking(MARIA))
        assert next(stream) == pb.WatchFeedsResponse(providers=[PROVIDER])
        stopping = pool.submit(api.server.stop, 5)
        assert list(stream) == []  # cut off, it would raise
        stopping.result()


def test_over_grpc_it_ends_in_order_before_its_callers_deadline(world: World, tmp_path: Path) -> None:
    with serving(world, tmp_path) as api:
        answers = list(api.stream("WatchFeeds", pb.WatchFeedsRequest(), deadline_seconds=2))
        assert answers == [pb.WatchFeedsResponse(any=True)]


def test_from_now_on_leaves_out_what_is_there_and_skips_nothing_that_commits_later(world: World) -> None:
    world.knows(MARIA)
    world.told(booking(MARIA))
    read_feed = ReadFeed(world.database)
    event = public_event(booking(MARIA).to_json())
    with world.database.transaction() as connection:
        feed_events(connection, [event])
        now = read_feed.now(CLIENT, PROVIDER)
        assert (list(now.items), now.more) == ([], False)
        later = world.told(booking(MARIA))
    page = read_feed(CLIENT, PROVIDER, Cursor.parse(str(now.cursor)), 10)
    assert [each.event_id for each in page.items] == [event.id, later]


def test_only_the_cooperative_itself_may_read_from_now_on(world: World) -> None:
    read_feed = ReadFeed(world.database)
    other = Caller("client", roles=frozenset({Role("provider_client", OTHER_PROVIDER)}))
    with pytest.raises(Forbidden):
        read_feed.now(other, PROVIDER)
    with pytest.raises(Unauthenticated):
        read_feed.now(ANONYMOUS, PROVIDER)
