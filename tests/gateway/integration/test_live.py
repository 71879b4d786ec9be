"""Live updates: what is new comes at once, nothing is skipped, and nobody keeps reading who may not."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import grpc
import httpx
import pytest
from prometheus_client import REGISTRY

from gateway import live
from services.chassis.refusal import Forbidden, Kind, Refusal, Unauthenticated, Unavailable
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb
from tests.gateway.conftest import Edge, running
from tests.support.polling import eventually

PATH = "/api/v1/events/live"
ROLE = "provider_client:cooperativa-aurora"


class CursorTooOld(Refusal):
    kind = Kind.CONFLICT
    type = "feed-cursor-too-old"
    it = "Ripartire dall'inizio."
    en = "Start again from the beginning."


@dataclass
class Notifications:
    """A feed that the test fills, and the streams that tell of it."""

    events: list[str] = field(default_factory=list)
    asked: list[pb.ReadFeedRequest] = field(default_factory=list)
    refusal: Refusal | None = None
    watches: list[queue.Queue[pb.WatchFeedsResponse | None]] = field(default_factory=list)
    begun: int = 0
    away: bool = False
    """Nobody can watch."""

    def read(self, raw: bytes) -> pb.ReadFeedResponse | Refusal:
        request = pb.ReadFeedRequest.FromString(raw)
        self.asked.append(request)
        if self.refusal is not None:
            return self.refusal
        after = len(self.events) if request.after == "now" else int(request.after or 0)
        page = self.events[after : after + 2]
        items = [
            pb.FeedEvent(id=each, type="t", source="s", subject="x", data_json="{}", cursor=str(number))
            for number, each in enumerate(page, after + 1)
        ]
        for item in items:
            item.time.FromJsonString("2026-12-01T08:00:00Z")
        end = after + len(page)
        return pb.ReadFeedResponse(items=items, next_cursor=str(end), more=end < len(self.events))

    def watch(self, context: grpc.ServicerContext) -> Iterator[pb.WatchFeedsResponse]:
        self.begun += 1
        if self.away:
            context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        mine: queue.Queue[pb.WatchFeedsResponse | None] = queue.Queue()
        if not context.add_callback(lambda: mine.put(None)):
            return  # it has left already
        self.watches.append(mine)
        try:
            yield pb.WatchFeedsResponse(any=True)
            while (told := mine.get(timeout=30)) is not None:
                yield told
        finally:
            self.watches.remove(mine)

    def tell(self, *providers: str, event: str | None = None) -> None:
        if event is not None:
            self.events.append(event)
        for each in self.watches:
            each.put(pb.WatchFeedsResponse(providers=providers))

    def end_watches(self) -> None:
        for each in self.watches:
            each.put(None)


EVENTS = [f"01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e{number:02d}" for number in range(9)]


@dataclass
class Heard:
    """Messages of one stream, comments apart."""

    response: httpx.Response
    lines: Iterator[str]

    def message(self) -> dict[str, str]:
        """The next one, by field; empty at the end."""
        found: dict[str, str] = {}
        for line in self.lines:
            if not line and found:
                return found
            name, _, value = line.partition(":")
            if name:
                found[name] = value.strip()
        return found

    def events(self, number: int) -> list[str]:
        """Ids of the next events."""
        return [json.loads(self.message()["data"])["id"] for _ in range(number)]


@contextmanager
def listening(edge: Edge, query: str = "", role: str = ROLE, **headers: str) -> Iterator[Heard]:
    """A stream that has begun."""
    with edge.client.stream("GET", PATH + query, headers={**edge.token(role), **headers}) as response:
        if response.status_code != 200:
            response.read()
        yield Heard(response, response.iter_lines())


@contextmanager
def live_edge(directory: Path, **settings: object) -> Iterator[tuple[Edge, Notifications]]:
    notifications = Notifications()
    with running(directory, **settings) as edge:
        edge.services.answers["ReadFeed"] = notifications.read
        edge.services.streams["WatchFeeds"] = notifications.watch
        yield edge, notifications
        notifications.end_watches()


@pytest.fixture
def both(edge: Edge) -> Iterator[tuple[Edge, Notifications]]:
    notifications = Notifications()
    edge.services.answers["ReadFeed"] = notifications.read
    edge.services.streams["WatchFeeds"] = notifications.watch
    yield edge, notifications
    # The next test's are other ones: nobody looks any more by then, and so nobody watches.
    eventually(lambda: REGISTRY.get_sample_value("gateway_requests_under_way") == 0)
    eventually(lambda: not notifications.watches)


Both = tuple[Edge, Notifications]


def test_an_event_comes_when_it_is_there_in_the_form_of_the_feed(both: Both) -> None:
    edge, notifications = both
    notifications.events = EVENTS[:3]
    with listening(edge) as heard:
        assert heard.response.headers["Content-Type"].startswith("text/event-stream")
        assert "no-store" in heard.response.headers["Cache-Control"]
        assert heard.response.headers["X-Accel-Buffering"] == "no"
        begins = heard.message()
        assert begins["id"] == "3"  # what is there already is not told; one can read on although nothing came
        assert 1000 <= int(begins["retry"]) <= 3000
        eventually(lambda: notifications.watches)
        notifications.tell("cooperativa-aurora", event=EVENTS[3])
        message = heard.message()
        assert message.keys() == {"id", "data"}
        assert message["id"] == "4"
        assert json.loads(message["data"]) == {
            "id": EVENTS[3], "type": "t", "source": "s", "subject": "x", "sequence": 0,
            "time": "2026-12-01T08:00:00.000Z", "data": {}, "cursor": "4",
        }  # fmt: skip


def test_it_is_read_with_the_token_of_whoever_looks(both: Both) -> None:
    edge, notifications = both
    with listening(edge) as heard:
        heard.message()
        eventually(lambda: notifications.watches)
        notifications.tell("cooperativa-aurora", event=EVENTS[0])
        heard.message()
    tokens = {
        metadata.get("authorization") for name, _, metadata, _ in edge.services.calls if name == "ReadFeed"
    }
    assert len(tokens) == 1
    assert tokens.pop().startswith("Bearer ")  # type: ignore[union-attr]
    assert {request.provider for request in notifications.asked} == {"cooperativa-aurora"}


@pytest.mark.parametrize(
    ("query", "headers"),
    [("?after=2", {}), ("", {"Last-Event-ID": "2"}), ("?after=now", {"Last-Event-ID": "2"})],
)
def test_after_an_interruption_it_goes_on_where_it_was(
    both: Both, query: str, headers: dict[str, str]
) -> None:
    edge, notifications = both
    notifications.events = EVENTS[:7]  # more than a page
    with listening(edge, query, **headers) as heard:
        assert "id" not in heard.message()  # cut off here, one must begin at the same place again
        assert heard.events(5) == EVENTS[2:7]


def test_from_the_beginning(both: Both) -> None:
    edge, notifications = both
    notifications.events = EVENTS[:3]
    with listening(edge, "?after=") as heard:
        heard.message()
        assert heard.events(3) == EVENTS[:3]


def test_news_of_others_are_not_read(both: Both) -> None:
    edge, notifications = both
    with listening(edge) as heard:
        heard.message()
        eventually(lambda: len(notifications.asked) == 2)  # it may have been any
        for _ in range(3):
            notifications.tell("cooperativa-brezza")
        notifications.tell("cooperativa-aurora", event=EVENTS[0])
        assert heard.events(1) == EVENTS[:1]
        assert len(notifications.asked) == 3


@pytest.mark.parametrize(
    ("query", "refusal", "told"),
    [
        ("", Forbidden(), (403, "forbidden")),
        ("?after=1", CursorTooOld(), (409, "feed-cursor-too-old")),
        ("", Unavailable(), (503, "unavailable")),
        ("?provider=Not%20a%20slug", None, (422, "invalid-request")),
    ],
)
def test_what_is_refused_is_refused_before_it_begins(
    both: Both, query: str, refusal: Refusal | None, told: tuple[int, str]
) -> None:
    edge, notifications = both
    notifications.refusal = refusal
    with listening(edge, query) as heard:
        assert (heard.response.status_code, problem_of(heard.response)) == told


def problem_of(response: httpx.Response) -> str:
    return str(response.json()["type"]).removeprefix("urn:ambito:problem:")


def test_nobody_and_those_of_no_cooperative_are_refused(both: Both) -> None:
    edge, _ = both
    assert edge.client.get(PATH).status_code == 401
    with listening(edge, role="citizen:*") as heard:
        assert (heard.response.status_code, heard.response.json()["errors"][0]["field"]) == (422, "provider")


def test_who_may_not_read_on_is_told_why_and_that_is_the_end(both: Both) -> None:
    edge, notifications = both
    with listening(edge, **{"Accept-Language": "en"}) as heard:
        heard.message()
        eventually(lambda: notifications.watches)
        notifications.refusal = Unauthenticated()
        notifications.tell("cooperativa-aurora")
        message = heard.message()
        assert message["event"] == "end"
        problem = json.loads(message["data"])
        assert (problem["status"], problem["type"]) == (401, "urn:ambito:problem:unauthenticated")
        assert problem["detail"] == "Sign in first."
        assert heard.message() == {}


def test_while_notifications_is_away_it_waits_and_then_goes_on(both: Both) -> None:
    edge, notifications = both
    with listening(edge) as heard:
        heard.message()
        eventually(lambda: notifications.watches)
        notifications.refusal = Unavailable()
        notifications.tell("cooperativa-aurora", event=EVENTS[0])
        asked = len(notifications.asked)
        eventually(lambda: len(notifications.asked) > asked + 1)
        notifications.refusal = None
        assert heard.events(1) == EVENTS[:1]


def test_although_nobody_can_watch_what_is_new_comes(both: Both) -> None:
    edge, notifications = both
    notifications.away = True
    with listening(edge) as heard:
        heard.message()
        eventually(lambda: notifications.begun)
        notifications.events.append(EVENTS[0])
        assert heard.events(1) == EVENTS[:1]


def test_what_is_new_between_two_watches_comes(both: Both) -> None:
    edge, notifications = both
    with listening(edge) as heard:
        heard.message()
        eventually(lambda: len(notifications.asked) == 2)  # at the beginning of the watch
        notifications.events.append(EVENTS[0])  # and nobody says so
        notifications.end_watches()
        assert heard.events(1) == EVENTS[:1]
        assert notifications.begun == 2


def test_all_who_look_share_one_watch_which_ends_with_the_last(both: Both) -> None:
    edge, notifications = both
    with listening(edge) as one:
        one.message()
        with listening(edge, role="provider_staff:cooperativa-aurora") as other:
            other.message()
            eventually(lambda: notifications.watches)
            notifications.tell("cooperativa-aurora", event=EVENTS[0])
            assert one.events(1) == other.events(1) == EVENTS[:1]
            assert notifications.begun == 1
        notifications.tell("cooperativa-aurora", event=EVENTS[1])
        assert one.events(1) == [EVENTS[1]]
    eventually(lambda: not notifications.watches)
    with listening(edge) as again:
        again.message()
        eventually(lambda: notifications.begun == 2)


def test_one_account_looks_so_often_and_no_more(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_OF_ONE_CALLER", 2)
    edge, _ = both
    with listening(edge), listening(edge), listening(edge) as third:
        assert third.response.status_code == 429
        assert third.response.json()["type"] == "urn:ambito:problem:too-many-live-streams"
        assert int(third.response.headers["Retry-After"]) >= 1
    eventually(lambda: begins(edge))


def begins(edge: Edge) -> bool:
    with listening(edge) as heard:
        return heard.response.status_code == 200


def test_a_process_has_room_for_so_many(tmp_path: Path) -> None:
    with live_edge(tmp_path, live_streams_limit=1) as (edge, _), listening(edge):
        with listening(edge) as second:
            assert second.response.status_code == 503
            assert int(second.response.headers["Retry-After"]) >= 1
        assert edge.client.get("/openapi.json").status_code == 200


def read_at_once(directory: Path, patience_seconds: float) -> bool:
    """Whether two who begin to look at the same time have notifications read for both at once; each waits so
    long for the other.
    """
    met, both_there = threading.Barrier(2), threading.Event()
    with (
        live_edge(directory, read_deadline_seconds=20) as (edge, notifications),
        ThreadPoolExecutor(2) as pool,
    ):

        def read(raw: bytes) -> object:
            with suppress(threading.BrokenBarrierError):  # the other does not come in time
                met.wait(patience_seconds)
                both_there.set()
            return notifications.read(raw)

        edge.services.answers["ReadFeed"] = read
        for each in [pool.submit(begins, edge) for _ in range(2)]:
            assert each.result()
    return both_there.is_set()


def test_only_so_many_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_READINGS_AT_ONCE", 1)
    assert not read_at_once(tmp_path, patience_seconds=0.5)


def test_without_that_bound_all_would(tmp_path: Path) -> None:
    assert read_at_once(tmp_path, patience_seconds=10)


def ended(directory: Path) -> tuple[dict[str, str], bool]:
    """What came last when the gateway ended, and whether the stream was ended in order."""
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        with live_edge(directory) as (edge, _):
            client = stack.enter_context(httpx.Client(base_url=edge.client.base_url, timeout=30))
            heard = stack.enter_context(listening(replace(edge, client=client)))
            heard.message()

            def rest() -> tuple[dict[str, str], bool]:
                try:
                    return heard.message(), True
                except httpx.RemoteProtocolError:
                    return {}, False

            last = pool.submit(rest)
        return last.result()


def test_a_gateway_that_ends_ends_its_streams_and_asks_nobody_to_stay_away(tmp_path: Path) -> None:
    assert ended(tmp_path) == ({}, True)


def test_a_stream_that_is_not_ended_would_be_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.LiveFeeds, "end", lambda _self: None)
    monkeypatch.setattr("gateway.__main__._STOP_SECONDS", 1)
    assert ended(tmp_path) == ({}, False)


def test_how_long_it_goes_on_is_not_how_long_it_took_to_answer(both: Both) -> None:
    edge, notifications = both

    def counted(suffix: str) -> float:
        labels = {"method": "GET", "route": "/events/live"}
        return REGISTRY.get_sample_value(f"gateway_request_seconds_{suffix}", labels) or 0.0

    before, seconds = counted("count"), counted("sum")
    started = time.perf_counter()
    with listening(edge) as heard:
        heard.message()
        begun_after = time.perf_counter() - started
        eventually(lambda: notifications.watches)
        for number in range(3):  # between two of them it rests
            notifications.tell("cooperativa-aurora", event=EVENTS[number])
            heard.events(1)
    eventually(lambda: counted("count") == before + 1)
    assert counted("sum") - seconds <= begun_after
