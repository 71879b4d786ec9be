"""Queues of groups that are apart no more: deleted when they are empty and read by nobody, and only then."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from deploy.broker import former as module
from deploy.broker.former import forget, former
from services.chassis.messaging.connection import connect
from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.publisher import ConfirmingPublisher
from services.chassis.messaging.topology import Names, Topology, build
from services.chassis.messaging.topology_apply import apply
from services.chassis.partition import Partition
from tests.support.broker import Vhost
from tests.support.polling import eventually

SERVICE = "post"
PARTITION = Partition.of("A1", "B2")
NAMES = Names(SERVICE, PARTITION)
DONE = "ambito.post.thing.done.v1"


def topology(*partitions: Partition) -> Topology:
    return build({SERVICE: frozenset({DONE})}, partitions={SERVICE: frozenset(partitions)})


@pytest.fixture
def management(vhost: Vhost) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=vhost.management_url, timeout=30, trust_env=False) as client:
        apply(topology(PARTITION), client, vhost.name, {SERVICE: "x"})
        yield client


def names_of(management: httpx.Client, vhost: Vhost, kind: str) -> set[str]:
    return {each["name"] for each in management.get(f"/api/{kind}/{vhost.name}").raise_for_status().json()}


def test_it_is_kept_while_something_is_in_it_or_somebody_reads_it(
    management: httpx.Client, vhost: Vhost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COUNTED_EVERY_SECONDS", 0.0)
    wanted = topology()
    publisher = ConfirmingPublisher(vhost.amqp_url)
    event = Outgoing(exchange=NAMES.exchange, routing_key="thing.done.A1.-", body=b"{}", headers={})
    assert publisher.publish([event]) == {}
    publisher.close()
    assert former(topology(PARTITION), [SERVICE], management, vhost.name) == []  # it is one of today's
    apply(wanted, management, vhost.name, {SERVICE: "x"})

    def counted() -> int | None:
        (found,) = former(wanted, [SERVICE], management, vhost.name)
        assert found.queue == NAMES.queue
        return found.messages

    eventually(lambda: counted() == 1, timeout_seconds=30)
    assert [each.messages for each in forget(wanted, [SERVICE], management, vhost.name)] == [1]
    connection = connect(vhost.amqp_url, timeout_seconds=5, name="worker")
    channel = connection.channel()
    held = channel.basic_get(NAMES.queue)
    assert held is not None  # and is not acknowledged yet
    assert [each.is_over for each in forget(wanted, [SERVICE], management, vhost.name)] == [False]
    channel.basic_ack(held.delivery_tag)
    channel.close()
    connection.collect()

    eventually(lambda: forget(wanted, [SERVICE], management, vhost.name) == [], timeout_seconds=30)
    left = {each.name for each in wanted.queues}
    assert names_of(management, vhost, "queues") == left
    assert names_of(management, vhost, "policies") == left
    assert not [name for name in names_of(management, vhost, "exchanges") if ".apart." in name]
