"""The topology, applied to a broker, and what its users can and cannot do there."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from amqp import Connection
from amqp.exceptions import AccessRefused, AMQPError

from services.chassis.messaging.connection import connect
from services.chassis.messaging.topology import build
from services.chassis.messaging.topology_apply import apply, close_connections
from services.chassis.messaging.topology_check import TopologyError
from tests.chassis.integration.conftest import DELAYS_MS, NAMES, OUTSIDE, PASSWORD, Probe
from tests.chassis.probe.bootstrap import SERVICE
from tests.chassis.probe.events import DONE, UNHEARD, event
from tests.support.polling import eventually


def state(probe: Probe) -> dict[str, list[dict[str, object]]]:
    """What the vhost holds, without what the broker counts."""
    kept = (
        "name",
        "type",
        "durable",
        "arguments",
        "source",
        "destination",
        "routing_key",
        "definition",
        "pattern",
    )
    with probe.management() as client:
        return {
            kind: sorted(
                (
                    {name: entry.get(name) for name in kept}
                    for entry in client.get(f"/api/{kind}/{probe.vhost.name}").raise_for_status().json()
                ),
                key=repr,
            )
            for kind in ("exchanges", "queues", "bindings", "policies")
        }


def test_applying_twice_changes_nothing_and_check_is_content(probe: Probe) -> None:
    before = state(probe)
    probe.apply_topology()
    assert state(probe) == before
    assert {queue["arguments"]["x-queue-type"] for queue in before["queues"]} == {"quorum"}  # type: ignore[index]
    checked = probe.command("check-topology", "--management-url", probe.vhost.management_url)
    assert checked.returncode == 0, checked.stderr


def test_a_missing_binding_is_an_error_that_names_exchange_key_and_queue(probe: Probe) -> None:
    [lost] = [entry for entry in state(probe)["bindings"] if entry["routing_key"] == "thing.done.*.*"]
    with probe.management() as client:
        [found] = [
            entry
            for entry in client.get(f"/api/bindings/{probe.vhost.name}").raise_for_status().json()
            if entry["routing_key"] == lost["routing_key"]
        ]
        path = f"{found['source']}/e/{found['destination']}/{quote(found['properties_key'], safe='')}"
        client.delete(f"/api/bindings/{probe.vhost.name}/e/{path}").raise_for_status()
    checked = probe.command("check-topology", "--management-url", probe.vhost.management_url)
    assert checked.returncode == 1
    told = f"from exchange {NAMES.exchange} with key 'thing.done.*.*' to exchange {NAMES.intake}"
    assert checked.stderr.splitlines() == [
        "bindings are missing on the broker; apply the topology:",
        f"  {told}",
    ]
    # The service's own user of the broker cannot see it.
    unseen = probe.command("check-topology")
    assert (unseen.returncode, unseen.stdout.startswith("Bindings are not checked")) == (0, True)


def test_a_subscription_that_ended_is_unbound_when_no_version_has_it_any_more(probe: Probe) -> None:
    before = state(probe)["bindings"]
    probe.bind(NAMES.exchange, NAMES.queue, "thing.old.*.*")
    with_old = state(probe)["bindings"]
    assert with_old != before
    probe.apply_topology(keep_bindings=True)
    assert state(probe)["bindings"] == with_old
    probe.apply_topology()
    assert state(probe)["bindings"] == before


def test_a_queue_of_another_kind_is_an_error_that_says_which(probe: Probe) -> None:
    with probe.management() as client:
        path = f"/api/queues/{probe.vhost.name}/{NAMES.queue}"
        client.delete(path).raise_for_status()
        client.put(path, json={"durable": True, "arguments": {"x-queue-type": "classic"}}).raise_for_status()
    with pytest.raises(TopologyError, match=NAMES.queue):
        probe.apply_topology()


def test_what_nobody_consumes_still_reaches_a_queue(probe: Probe) -> None:
    probe.apply_topology(
        build({"probe": SERVICE.consumes}, [OUTSIDE], emitted=[DONE, UNHEARD], retry_delays_ms=DELAYS_MS)
    )
    probe.publish(event(UNHEARD, provider="nobody"))
    eventually(lambda: probe.depth("ambito.unclaimed") == 1)
    probe.publish(event(DONE, provider="nobody"))
    eventually(lambda: probe.depth(NAMES.queue) == 1)
    assert probe.depth("ambito.unclaimed") == 1


FORBIDDEN: dict[str, tuple[str, Callable[..., object]]] = {
    "a reader reads another queue": (OUTSIDE.user, lambda channel: channel.basic_get(NAMES.queue)),
    "a reader publishes to its queue": (OUTSIDE.user, lambda channel: publish(channel, "", OUTSIDE.name)),
    "a reader publishes an event": (
        OUTSIDE.user,
        lambda channel: publish(channel, NAMES.public_exchange, "x"),
    ),
    "a reader makes a queue": (OUTSIDE.user, lambda channel: channel.queue_declare("mine")),
    "a reader purges its queue by deleting it": (
        OUTSIDE.user,
        lambda channel: channel.queue_delete(OUTSIDE.name),
    ),
    "a reader binds its queue to more": (
        OUTSIDE.user,
        lambda channel: channel.queue_bind(OUTSIDE.name, NAMES.public_exchange, "#"),
    ),
    "a service reads an outsider's queue": ("probe", lambda channel: channel.basic_get(OUTSIDE.name)),
    "a service publishes as another": ("probe", lambda channel: publish(channel, "ambito.other", "x")),
    "a service publishes past its exchanges": ("probe", lambda channel: publish(channel, "", NAMES.queue)),
    "a service makes an exchange": ("probe", lambda channel: channel.exchange_declare("ambito.new", "topic")),
    "a service binds its queue to more": (
        "probe",
        lambda channel: channel.queue_bind(NAMES.queue, NAMES.exchange, "#"),
    ),
}


def publish(channel: object, exchange: str, routing_key: str) -> None:
    from amqp import Message

    channel.confirm_select()  # type: ignore[attr-defined]
    channel.basic_publish(Message(b"{}"), exchange, routing_key)  # type: ignore[attr-defined]
    channel.connection.drain_events(timeout=10)  # type: ignore[attr-defined]  # the answer, or the refusal


def test_users_can_do_nothing_but_their_work(probe: Probe) -> None:
    probe.apply_topology(
        build({"probe": SERVICE.consumes, "other": frozenset()}, [OUTSIDE], retry_delays_ms=DELAYS_MS)
    )
    allowed = []
    for what, (user, attempt) in FORBIDDEN.items():
        connection = connect(probe.url_of(user), timeout_seconds=5, name="intruder")
        try:
            attempt(connection.channel())
        except AccessRefused:
            pass
        else:
            allowed.append(what)
        finally:
            connection.collect()
    assert allowed == []
    probe.publish(event())
    assert len(probe.take(OUTSIDE.name, probe.url_of(OUTSIDE.user))) == 1


def test_a_user_without_a_password_cannot_connect_and_is_thrown_out(probe: Probe) -> None:
    url, wanted = probe.url_of(OUTSIDE.user), build({"probe": SERVICE.consumes}, [OUTSIDE])
    reader = connect(url, timeout_seconds=5, name="reader")
    with probe.management() as management:
        apply(wanted, management, probe.vhost.name, {"probe": PASSWORD, OUTSIDE.user: None})

        def closed() -> bool:
            return close_connections(management, OUTSIDE.user) == 0 and not is_open(reader)

        eventually(closed)
        reader.collect()
        with pytest.raises(AccessRefused):
            connect(url, timeout_seconds=5, name="reader")
        apply(wanted, management, probe.vhost.name, {"probe": PASSWORD, OUTSIDE.user: PASSWORD})
    connect(url, timeout_seconds=5, name="reader").collect()


def is_open(connection: Connection) -> bool:
    try:
        connection.drain_events(timeout=0.1)
    except TimeoutError:
        return True
    except (AMQPError, OSError):
        return False
    return True
