"""From the outbox to the broker."""

import json
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from services.chassis import locks
from services.chassis.ids import new_id
from services.chassis.messaging.event import Event
from tests.chassis.integration.conftest import NAMES, OUTSIDE, Probe
from tests.chassis.probe.events import DONE, UNHEARD, event
from tests.support.broker import Broker
from tests.support.polling import PATIENCE_SECONDS, eventually
from tests.support.proxy import Proxy


def test_a_committed_event_is_published_once_as_a_cloudevent(probe: Probe) -> None:
    happened = event(DONE, answer=42)
    probe.start_relay()
    probe.commit(happened)
    eventually(lambda: probe.unpublished() == 0)
    [message] = probe.take(NAMES.queue)
    assert json.loads(message.body) == {"answer": 42}
    headers = {name: value for name, value in message.headers.items() if not name.startswith("x-")}
    assert headers.pop("ce-time").endswith("Z")
    assert headers == {
        "ce-specversion": "1.0",
        "ce-id": str(happened.id),
        "ce-type": DONE,
        "ce-source": "ambito/probe",
        "ce-subject": "thing-1",
        "ce-sequence": "1",
        "ce-dataschema": f"urn:ambito:schema:{DONE}",
    }
    properties = message.properties
    assert properties["message_id"] == str(happened.id)
    assert properties["type"] == DONE
    assert properties["app_id"] == "ambito/probe"
    assert properties["content_type"] == "application/json"
    assert properties["delivery_mode"] == 2
    [outside] = probe.take(OUTSIDE.name, probe.url_of(OUTSIDE.user))
    assert outside.properties["message_id"] == str(happened.id)


def test_an_event_rolled_back_is_not_published(probe: Probe) -> None:
    probe.start_relay()
    with probe.database.engine.connect() as connection:
        probe.outbox.add(connection, event())
        connection.rollback()
    kept = event()
    probe.commit(kept)
    eventually(lambda: probe.unpublished() == 0)
    assert [message.properties["message_id"] for message in probe.take(NAMES.queue)] == [str(kept.id)]


def test_a_commit_after_a_later_one_is_not_overlooked(probe: Probe) -> None:
    """Ids are given before commit: here the smaller one commits last, when the relay is past it."""
    probe.start_relay()
    early, late = event(subject="early"), event(subject="late")
    with probe.database.engine.begin() as connection:
        probe.outbox.add(connection, early)
        probe.commit(late)
        eventually(lambda: probe.depth(NAMES.queue) == 1)
    eventually(lambda: probe.unpublished() == 0)
    assert len(probe.take(NAMES.queue)) == 2


def test_a_sleeping_relay_is_woken_at_once(probe: Probe) -> None:
    """With an hour between looks, only the notification can have done it."""
    probe.start_relay(RELAY_POLL_SECONDS="3600")
    for number in range(3):
        eventually(lambda: probe.holds(locks.RELAY_ASLEEP))
        probe.commit(event(sequence=number + 1))
        eventually(lambda: probe.unpublished() == 0)


def test_killed_between_publish_and_mark_it_publishes_again_and_the_effect_happens_once(probe: Probe) -> None:
    happened = event()
    probe.commit(happened)
    with probe.database.engine.begin() as blocking:
        # The mark waits for this lock, so that the kill falls between confirm and mark.
        blocking.execute(sa.text("SELECT 1 FROM outbox FOR UPDATE"))
        relay = probe.start_relay()
        eventually(lambda: probe.depth(NAMES.queue) == 1)
        relay.kill()
        probe.end_sessions("probe-relay")
    assert probe.unpublished() == 1
    probe.start_relay()
    eventually(lambda: probe.unpublished() == 0)
    eventually(lambda: probe.depth(NAMES.queue) == 2)
    worker = probe.start_worker()
    eventually(lambda: worker.metric(f'events_handled_total{{outcome="done",type="{happened.type}"}}') == 2)
    assert (probe.effects(happened), probe.tries(happened)) == (1, 1)


def test_what_cannot_be_routed_stays_and_goes_out_once_bound(probe: Probe) -> None:
    unroutable = event(UNHEARD, subject="a", provider="nobody")
    after, other = event(subject="a", sequence=2), event(subject="b")
    probe.commit(unroutable, after, other)
    probe.start_relay()
    eventually(lambda: probe.rows("SELECT 1 FROM outbox WHERE attempts > 1"))
    held_back = probe.rows("SELECT event_id, last_error FROM outbox WHERE published_at IS NULL ORDER BY id")
    assert [row.event_id for row in held_back] == [unroutable.id, after.id]
    assert "NO_ROUTE" in held_back[0].last_error
    assert [message.properties["message_id"] for message in probe.take(NAMES.queue)] == [str(other.id)]
    probe.bind(NAMES.exchange, NAMES.queue, "thing.unheard.#")
    eventually(lambda: probe.unpublished() == 0)
    arrived = [message.properties["message_id"] for message in probe.take(NAMES.queue)]
    assert arrived == [str(unroutable.id), str(after.id)]


def test_events_of_one_aggregate_arrive_in_order(probe: Probe) -> None:
    probe.commit(*(event(subject=f"s{number % 7}", sequence=number // 7 + 1) for number in range(700)))
    probe.start_relay()
    eventually(lambda: probe.unpublished() == 0)
    seen: dict[str, list[int]] = {}
    for message in probe.take(NAMES.queue):
        seen.setdefault(message.headers["ce-subject"], []).append(int(message.headers["ce-sequence"]))
    assert len(seen) == 7
    assert all(sequences == list(range(1, 101)) for sequences in seen.values())


def test_a_full_queue_refuses_and_the_event_waits(probe: Probe) -> None:
    with probe.policy(NAMES.queue, {"max-length": 1, "overflow": "reject-publish"}):
        probe.start_relay()

        def one_more_and_one_is_refused() -> bool:
            probe.commit(event(subject=str(new_id())))
            return bool(probe.rows("SELECT 1 FROM outbox WHERE last_error LIKE '%full%'"))

        eventually(one_more_and_one_is_refused)
    eventually(lambda: probe.unpublished() == 0)
    arrived = {message.properties["message_id"] for message in probe.take(NAMES.queue)}
    assert arrived == {str(row.event_id) for row in probe.rows("SELECT event_id FROM outbox")}


def test_one_of_two_relays_is_active_and_the_other_takes_over(probe: Probe) -> None:
    first = probe.start_relay()
    second = probe.start("relay")
    second.wait_for("standing by")
    probe.commit(event())
    eventually(lambda: probe.unpublished() == 0)
    assert '"event": "publishing"' not in second.output
    first.kill()
    second.wait_for('"event": "publishing"')
    probe.commit(event())
    eventually(lambda: probe.unpublished() == 0)
    assert second.terminate() == 0


def test_a_stopped_broker_loses_nothing_and_stops_nobody(probe: Probe, broker: Broker) -> None:
    relay, worker = probe.start_relay(), probe.start_worker()
    before, during = event(subject="before"), event(subject="during")
    probe.commit(before)
    eventually(lambda: probe.effects(before) == 1)
    broker.stop()
    try:
        relay.wait_for("broker lost")
        worker.wait_for("broker lost")
        probe.commit(during)
        assert probe.unpublished() == 1
    finally:
        broker.start()
    eventually(lambda: probe.effects(during) == 1, timeout_seconds=30)
    assert relay.terminate() == 0
    assert worker.terminate() == 0


@pytest.fixture
def nodes(probe: Probe) -> Iterator[list[Proxy]]:
    """Two ways to the broker, as if to two nodes of a cluster, and the probe knows both."""
    at = urlsplit(probe.amqp_url)
    port = at.port
    assert port is not None
    ways = [Proxy(lambda: port) for _ in range(2)]
    probe.amqp_url = ";".join(
        at._replace(netloc=f"{at.username}:{at.password}@127.0.0.1:{way.port}").geturl() for way in ways
    )
    yield ways
    for way in ways:
        way.close()


def test_a_node_that_freezes_or_dies_is_left_for_another(probe: Probe, nodes: list[Proxy]) -> None:
    relay = probe.start_relay(RELAY_CONFIRM_TIMEOUT_SECONDS="1")
    worker = probe.start_worker(BROKER_HEARTBEAT_SECONDS="1")
    for number, node in enumerate(nodes * 2):
        (node.stall if number < len(nodes) else node.reset)()
        each = event(subject=str(number))
        probe.commit(each)
        eventually(partial(_has_effect, probe, each), timeout_seconds=30)
        node.heal()
    assert relay.terminate() == 0
    assert worker.terminate() == 0
    assert probe.command("dlq", "list").returncode == 0


def test_published_rows_are_deleted_after_their_retention(probe: Probe) -> None:
    old, new = event(subject="old"), event(subject="new")
    probe.commit(old, new)
    with probe.database.transaction() as connection:
        connection.execute(
            sa.text("UPDATE outbox SET published_at = now() - interval '15 days' WHERE event_id = :id"),
            {"id": old.id},
        )
    probe.start_relay()
    eventually(lambda: [row.event_id for row in probe.rows("SELECT event_id FROM outbox")] == [new.id])


def test_without_its_exchanges_it_ends_and_says_so(bare_probe: Probe) -> None:
    bare_probe.apply_topology()
    with bare_probe.management() as client:
        client.delete(f"/api/exchanges/{bare_probe.vhost.name}/{NAMES.public_exchange}").raise_for_status()
    relay = bare_probe.start("relay")
    assert relay.popen.wait(PATIENCE_SECONDS) == 1
    assert f"exchange {NAMES.public_exchange} is missing" in relay.output
    assert "Traceback" not in relay.output


def _has_effect(probe: Probe, about: Event) -> bool:
    return probe.effects(about) == 1
