"""Comuni and cooperatives that are served apart: who is stopped delays nobody else, and loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from deploy.broker.apart import read_apart
from deploy.demo.receiver import Receiver
from tests.deploy.containers.people import ContainerWorld
from tests.support.containers import rabbitmqctl
from tests.support.freezing import freeze
from tests.support.polling import eventually
from tests.support.stack import Stack
from tests.system.world import Citizen

APART, OTHER = "L319", "C300"
COOPERATIVE, ELSE = "casa-tiglio", "ponte-sull-olona"
WORKERS = ["tradate-vouchers-worker", "tradate-notifications-worker"]
OWN = [*WORKERS, "casa-tiglio-deliver", "casa-tiglio-bridge"]
SHARED_DELIVER = "notifications-deliver"
THEIRS = "theirs"
SOON = 120


class Everybody(ContainerWorld):
    """Citizens and cooperatives of the installation."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack.base_url, stack.secrets)
        network = stack.client.networks.get(f"{stack.project}_egress")
        self._host = network.attrs["IPAM"]["Config"][0]["Gateway"]  # this machine, for those who deliver
        self._taken: set[str] = set()

    def visit(self, citizen: Citizen, comune: str, provider: str) -> str:
        """Books the cooperative's first visit at a time at which nobody here has one, without a voucher; the
        booking's id.
        """
        start = self.first_day()
        end = start + timedelta(days=7)
        query = {"from_date": start, "to_date": end, "comune": comune, "provider": provider}
        slots = eventually(
            lambda: self.anyone.ok(self.anyone.get("/services/sad-anziani/slots", **query))["items"],
            timeout_seconds=SOON,  # the first ones are made when the installation is new
        )
        slot = next(each for each in slots if each["local_start"] not in self._taken)
        self._taken.add(slot["local_start"])
        return str(citizen.session.ok(self.book(citizen, slot["id"]))["id"])

    def told(self, citizen: Citizen) -> int:
        """How many messages are in her inbox."""
        return len(citizen.session.ok(citizen.session.get("/messages"))["items"])

    @contextmanager
    def webhooks(self, provider: str) -> Iterator[Receiver]:
        """A receiver on this machine, registered for the cooperative."""
        client = self.client(provider)
        with closing(Receiver(self._host)) as receiver:
            made = client.ok(client.post("/webhook-endpoints", {"url": receiver.url}))
            receiver.secret = made["secret"]
            yield receiver
            client.ok(client.http.delete(f"/api/v1/webhook-endpoints/{made['endpoint']['id']}"))


def bookings(receiver: Receiver) -> list[str]:
    """Those of which the receiver has heard."""
    return [event["data"]["booking_id"] for event in receiver.received.events.values()]


def on_their_broker(stack: Stack) -> list[str]:
    """The bookings of which the cooperative's own broker has events."""
    url = (stack.secrets / "casa-tiglio-broker-url").read_text()
    return list(stack.python(stack.container("vouchers-worker"), "their_broker", url))


def queues(stack: Stack, vhost: str = "ambito") -> dict[str, dict[str, Any]]:
    about = ("name", "messages", "consumers")
    listed = rabbitmqctl(
        stack.container("rabbitmq"), "list_queues", "--vhost", vhost, "--formatter", "json", *about
    )
    return {each["name"]: each for each in json.loads(listed)}


@contextmanager
def beside(stack: Stack, *files: str) -> Iterator[None]:
    """Up with the overlay, and afterwards as before, without anybody else's containers being made anew."""
    with stack.with_files(*files):
        stack.compose("run", "--rm", "--no-deps", "servers")
        stack.compose("up", "--detach", "--wait", "--no-deps", *OWN, SHARED_DELIVER)
        yield
        stack.compose("rm", "--stop", "--force", *OWN)
    stack.compose("up", "--detach", "--wait", "--no-deps", SHARED_DELIVER)
    stack.compose("run", "--rm", "--no-deps", "servers")  # deletes the queues of who is apart no more


@pytest.fixture(scope="module")
def apart(stack: Stack) -> Iterator[Stack]:
    """The overlay as it comes, with a broker of Casa Tiglio's: another virtual host of the same one."""
    broker = stack.container("rabbitmq")
    rabbitmqctl(broker, "add_vhost", THEIRS)
    rabbitmqctl(broker, "add_user", THEIRS, "their-password")
    rabbitmqctl(broker, "set_permissions", "-p", THEIRS, THEIRS, ".*", ".*", ".*")
    secret = stack.secrets / "casa-tiglio-broker-url"
    secret.write_text(f"amqp://{THEIRS}:their-password@rabbitmq:5672/{THEIRS}")
    secret.chmod(0o444)
    assert on_their_broker(stack) == []  # and an exchange with a queue is there now
    here = stack.directory / "apart-here.json"
    private = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
    changed = {
        "casa-tiglio-bridge": {"BRIDGE_PLAIN_ALLOWED": "true"},
        "casa-tiglio-deliver": {"WEBHOOK_ALLOWED_NETWORKS": private},
    }
    here.write_text(json.dumps({"services": {name: {"environment": each} for name, each in changed.items()}}))
    with beside(stack, "deploy/compose.apart.yaml", str(here)):
        yield stack
    assert not [name for name in queues(stack) if ".apart." in name]
    rabbitmqctl(broker, "delete_user", THEIRS)
    rabbitmqctl(broker, "delete_vhost", THEIRS)


@pytest.fixture(scope="module")
def world(apart: Stack) -> Iterator[Everybody]:
    with closing(Everybody(apart)) as made:
        yield made


def test_who_is_stopped_delays_nobody_else_and_loses_nothing(apart: Stack, world: Everybody) -> None:
    ours, others = world.citizen(APART), world.citizen(OTHER)
    with world.webhooks(COOPERATIVE) as theirs, world.webhooks(ELSE) as elses, ExitStack() as paused:
        for citizen, comune in ((ours, APART), (others, OTHER)):
            world.visit(citizen, comune, ELSE)
            eventually(lambda who: world.told(who) == 1, citizen, timeout_seconds=SOON)
        eventually(lambda: len(bookings(elses)) == 2, timeout_seconds=SOON)

        for name in OWN:
            container = apart.container(name)
            freeze(container)
            paused.callback(container.unpause)
        waiting = world.visit(ours, APART, ELSE)
        at_theirs = world.visit(others, OTHER, COOPERATIVE)
        at_once = world.visit(others, OTHER, ELSE)
        eventually(lambda: world.told(others) == 3, timeout_seconds=SOON)
        eventually(lambda: at_once in bookings(elses), timeout_seconds=SOON)
        assert world.told(ours) == 1
        assert waiting not in bookings(elses)
        assert bookings(theirs) == []
        assert on_their_broker(apart) == []

        paused.close()
        eventually(lambda: world.told(ours) == 2, timeout_seconds=SOON)
        eventually(lambda: waiting in bookings(elses), timeout_seconds=SOON)
        eventually(lambda: bookings(theirs) == [at_theirs], timeout_seconds=SOON)
        eventually(lambda: on_their_broker(apart) == [at_theirs], timeout_seconds=SOON)
        assert len(bookings(elses)) == 4
        assert world.told(others) == 3


def test_comuni_move_back_and_out_again_by_one_command(apart: Stack, world: Everybody) -> None:
    citizen = world.citizen(APART)
    answer = apart.operate("comune", "together", APART)
    assert sorted(answer["stopped"]) == sorted(WORKERS)
    assert apart.containers(*WORKERS, all_states=True) == []
    assert not [name for name in queues(apart) if ".apart." in name]
    assert read_apart(apart.apart, world.territory).groups == ()
    world.visit(citizen, APART, ELSE)
    eventually(lambda: world.told(citizen) == 1, timeout_seconds=SOON)

    answer = apart.operate("comune", "apart", "C273", APART)
    assert sorted(answer["workers"]) == sorted(WORKERS)
    apart.wait_healthy(*WORKERS)
    world.visit(citizen, APART, ELSE)
    eventually(lambda: world.told(citizen) == 2, timeout_seconds=SOON)
    worker = apart.container("tradate-notifications-worker")
    assert apart.python(worker, "metric", "events_handled_total") >= 1
