"""Three RabbitMQ nodes and two PostgreSQL servers: each may be lost while people book."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from docker.models.containers import Container

from tests.deploy.containers.people import PROVIDER, ContainerWorld, booking
from tests.deploy.containers.people import reader as reader_of
from tests.faults.load import Load
from tests.support.containers import psql, rabbitmqctl
from tests.support.freezing import freeze
from tests.support.polling import eventually
from tests.support.queue_reader import QueueReader
from tests.support.stack import Stack, running
from tests.support.watched import watched

pytestmark = pytest.mark.long

NODES = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
SERVICES = ("identity", "catalogue", "vouchers", "notifications")
UNPUBLISHED = "SELECT event_id FROM outbox WHERE published_at IS NULL LIMIT 1"
CONFIRMED = "SELECT subject FROM outbox WHERE type = 'ambito.catalogue.booking.confirmed.v1'"
WELL, READY = 'up{job="queues"} == 1', 'rabbitmq_detailed_queue_messages_ready{vhost="ambito"}'
ADDRESSED = f"SELECT event_id FROM outbox WHERE public AND routing_key LIKE '%.{PROVIDER}'"  # noqa: S608


@pytest.fixture(scope="module")
def cluster(docker_engine: DockerClient, server_directory: Path) -> Iterator[Stack]:
    """An installation of its own, from the same images."""
    files = ["deploy/compose.cluster.yaml"]
    with running(docker_engine, server_directory / "cluster", files=files, name="-cluster") as started:
        yield started


@pytest.fixture(scope="module")
def load(cluster: Stack) -> Iterator[Load]:
    with closing(ContainerWorld(cluster.base_url, cluster.secrets)) as world:
        yield booking(world, clients=3)


@pytest.fixture(scope="module")
def reader(cluster: Stack) -> Iterator[QueueReader]:
    with closing(reader_of(cluster, cluster.brokers)) as started:
        yield started


def test_a_node_of_the_broker_dies_and_one_freezes_while_people_book(
    cluster: Stack, load: Load, reader: QueueReader
) -> None:
    with load:
        more_bookings(load, 10)
        dying = leaders(cluster)["catalogue.events"]
        before = cluster.container(dying)
        cluster.kill(before)
        more_bookings(load, 50)
        eventually(lambda: cluster.container(dying).attrs["RestartCount"] > before.attrs["RestartCount"])
        frozen = cluster.container(leaders(cluster)[f"coop.{PROVIDER}"])
        freeze(frozen)
        more_bookings(load, 50)
    try:
        nothing_is_lost_or_doubled(cluster, load, reader)
    finally:
        frozen.unpause()
    # The one that was frozen is one of them again; in Mnesia it would stay apart, and lead what others lead.
    assert leaders(cluster)
    eventually(lambda: all(seen_by(cluster, node) == set(NODES) for node in NODES), timeout_seconds=60)


def test_the_nodes_keep_their_metadata_by_quorum(cluster: Stack) -> None:
    flags = _told_by(cluster.container(NODES[0]), "list_feature_flags", "name", "state")
    assert {"name": "khepri_db", "state": "enabled"} in flags


def test_doctor_finds_nothing_amiss_with_them(cluster: Stack) -> None:
    assert eventually(lambda: cluster.operate("doctor"), timeout_seconds=90)["well"]


def test_every_queue_is_watched_on_whichever_node_it_is_led(cluster: Stack) -> None:
    found = leaders(cluster)
    assert len(set(found.values())) > 1
    with watched(cluster) as watching:

        def all_are_seen() -> bool:
            assert {each["metric"]["service"] for each in watching.query(WELL)} == set(NODES)
            assert {each["metric"]["queue"] for each in watching.query(READY)} == set(found)
            return watching.fires("QueueWithoutConsumer") == []

        eventually(all_are_seen, timeout_seconds=60)
        assert [each["value"][1] for each in watching.query("postgres_up")] == ["1"]


def test_the_primary_database_dies_while_people_book(cluster: Stack, load: Load, reader: QueueReader) -> None:
    with load:
        more_bookings(load, 10)
        old = primary(cluster)
        old.kill()  # and the engine leaves it so
        told = cluster.operate("failover")
        assert told["primary"] == "postgres-replica"
        assert told["lost"] == "nothing that was acknowledged"
        more_bookings(load, 50)
    nothing_is_lost_or_doubled(cluster, load, reader)
    assert servers_of(cluster) == {"postgres": (None, False), "postgres-replica": ("primary", True)}
    assert cluster.operate("replica", "--anew")["standby"] == "postgres"
    assert servers_of(cluster) == {"postgres": ("standby", False), "postgres-replica": ("primary", False)}
    cluster.operate("replica", "--alone")
    with pytest.raises(AssertionError, match="postgres-replica acknowledged alone"):
        cluster.operate("failover")
    assert cluster.operate("replica")["synchronous"]
    frozen = primary(cluster)
    with load:
        more_bookings(load, 10)
        freeze(frozen)
        assert cluster.operate("failover")["primary"] == "postgres"
        more_bookings(load, 50)
    nothing_is_lost_or_doubled(cluster, load, reader)
    # Whoever was idle learns that its connection leads nowhere by TCP's own deadlines, within half a minute.
    eventually(lambda: "All 16 steps" in cluster.compose("run", "--rm", "demo"), timeout_seconds=120)


def more_bookings(load: Load, number: int) -> None:
    """Until so many more are acknowledged, none of them wrongly."""
    sofar = load.acknowledged
    eventually(lambda: load.acknowledged >= sofar + number, timeout_seconds=120)
    assert load.market.records.wrong == []


def nothing_is_lost_or_doubled(cluster: Stack, load: Load, reader: QueueReader) -> None:
    """Every acknowledged booking is there, has one event, and the cooperative has it."""
    assert load.market.records.wrong == []
    server = primary(cluster)
    for service in SERVICES:
        unpublished = partial(rows, server, service, UNPUBLISHED)
        eventually(lambda left: left() == [], unpublished, timeout_seconds=120)
    acknowledged = [booking for purse in load.purses for booking in purse.visits]
    confirmed = Counter(rows(server, "catalogue", CONFIRMED))
    assert {booking: confirmed[booking] for booking in acknowledged} == dict.fromkeys(acknowledged, 1)
    addressed = {each for service in SERVICES for each in rows(server, service, ADDRESSED)}
    eventually(lambda: addressed <= set(reader.events), timeout_seconds=120)
    assert addressed == set(reader.events)


def primary(cluster: Stack) -> Container:
    """The PostgreSQL server that takes writes."""
    [found] = filter(_takes_writes, cluster.containers("postgres", "postgres-replica"))
    return found


def _takes_writes(server: Container) -> bool:
    try:
        return rows(server, "postgres", "SELECT pg_is_in_recovery()") == ["f"]
    except AssertionError:  # it starts, or ends
        return False


def servers_of(cluster: Stack) -> dict[str, tuple[str | None, bool]]:
    """What `status` says of each PostgreSQL server: its role, and whether it acknowledges alone."""
    told = json.loads(cluster.operation("status").stdout)["servers"]
    return {name: (state["role"], state["alone"]) for name, state in told.items()}


def rows(server: Container, database: str, statement: str) -> list[str]:
    """The values that it answers with."""
    return psql(server, database, statement).split()


def leaders(cluster: Stack) -> dict[str, str]:
    """The node, as a service, that leads each queue, once every queue has its members on all three."""

    def settled() -> dict[str, str]:
        found = queues(cluster)
        names = [str(each["name"]) for each in found]
        # While leaders change, the old one and the new may both list a queue, or neither.
        assert len(names) == len(set(names)) > len(SERVICES), names
        assert {len(each["online"]) for each in found} == {len(NODES)}, found
        return {str(each["name"]): str(each["leader"]).removeprefix("rabbit@") for each in found}

    return eventually(settled, timeout_seconds=180)


def queues(cluster: Stack) -> list[dict[str, Any]]:
    """Name, leader and members that are there, of each queue."""
    node = cluster.containers(*NODES)[0]
    return list(_told_by(node, "list_queues", "--vhost=ambito", "name", "leader", "online"))


def seen_by(cluster: Stack, node: str) -> set[str]:
    """The nodes that run, as this one sees them."""
    told = _told_by(cluster.container(node), "cluster_status")
    assert told["partitions"] == {}
    return {each.removeprefix("rabbit@") for each in told["running_nodes"]}


def _told_by(node: Container, *command: str) -> Any:
    return json.loads(rabbitmqctl(node, "--formatter=json", "--timeout=10", *command))
