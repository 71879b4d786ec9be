"""A broker short of disk reads nothing more from whoever publishes: who gives up its connection and begins
another leaves the first one there, and what it sent is published as well, once there is room again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.publisher import ConfirmingPublisher, TakesNothing
from tests.chassis.integration.conftest import NAMES, Probe
from tests.chassis.probe.events import event
from tests.support.broker import Broker
from tests.support.polling import PATIENCE_SECONDS, eventually

_TIMEOUT_SECONDS = 3
MESSAGES = [
    Outgoing(
        exchange=NAMES.exchange,
        routing_key="thing.done.L319.aurora",
        body=b"{}",
        headers={},
        message_id=str(each),
    )
    for each in range(5)
]


@pytest.fixture
def publisher(probe: Probe) -> Iterator[ConfirmingPublisher]:
    made = ConfirmingPublisher(
        probe.vhost.amqp_url,
        confirm_timeout_seconds=_TIMEOUT_SECONDS,
        heartbeat_seconds=1,  # which come also while it takes nothing
        name="alarmed",
    )
    yield made
    made.close()


def test_who_waits_has_each_message_taken_once(
    probe: Probe, broker: Broker, publisher: ConfirmingPublisher
) -> None:
    looked = threading.Semaphore(0)

    def wait_on() -> bool:
        looked.release()
        return True

    with ThreadPoolExecutor(1) as pool:
        with broker.short_of_disk():
            publishing = pool.submit(publisher.publish, MESSAGES, wait_on=wait_on)
            for _ in range(_TIMEOUT_SECONDS + 2):  # longer than it waits for a broker that says nothing
                assert looked.acquire(timeout=PATIENCE_SECONDS)
            assert broker.connections("alarmed") == 1
        assert publishing.result(timeout=PATIENCE_SECONDS) == {}
    taken = [message.properties["message_id"] for message in probe.take(NAMES.queue)]
    assert taken == [message.message_id for message in MESSAGES]


def test_who_does_not_wait_is_told(broker: Broker, publisher: ConfirmingPublisher) -> None:
    with broker.short_of_disk(), pytest.raises(TakesNothing):
        publisher.publish(MESSAGES)
    assert not publisher.connected
    assert publisher.publish(MESSAGES) == {}


def test_a_relay_keeps_its_connection_and_goes_on_with_it(probe: Probe, broker: Broker) -> None:
    """Also one that starts meanwhile, with more to publish than a connection that nobody reads can hold."""
    events = [event(subject=str(each), more="x" * 8_000) for each in range(500)]
    probe.commit(*events)
    with broker.short_of_disk():
        relay = probe.start_relay(RELAY_CONFIRM_TIMEOUT_SECONDS=str(_TIMEOUT_SECONDS))
        relay.wait_for("the broker takes nothing")
        told = relay.metric("outbox_oldest_unpublished_seconds") or 0
        later = told + _TIMEOUT_SECONDS + 2
        eventually(lambda: (relay.metric("outbox_oldest_unpublished_seconds") or 0) > later)
        assert relay.health() == 200
        assert "broker lost" not in relay.output
        assert broker.connections("probe-relay") == 1
    eventually(lambda: probe.unpublished() == 0, timeout_seconds=30)
    assert relay.terminate() == 0
    taken = {message.properties["message_id"] for message in probe.take(NAMES.queue)}
    assert taken == {str(each.id) for each in events}


def test_a_relay_stops_while_the_broker_takes_nothing(probe: Probe, broker: Broker) -> None:
    relay = probe.start_relay(RELAY_CONFIRM_TIMEOUT_SECONDS="1")
    with broker.short_of_disk():
        probe.commit(event())
        relay.wait_for("the broker takes nothing")
        assert relay.terminate() == 0
    assert probe.unpublished() == 1
