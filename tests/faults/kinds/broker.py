"""The broker: away, frozen, its connections closed, a binding lost, a queue full, its disk full."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pika
from pika.exceptions import AMQPError

from deploy.local.environment import SERVICES
from deploy.local.programs import StartError
from tests.faults.fault import Fault
from tests.faults.kinds.processes import frozen
from tests.faults.site import Site
from tests.support.disk_alarm import disk_alarm

BROKER = "rabbitmq"
_BACK_SECONDS = 60.0
_POLICY = "faults-full"
_ABOVE_OURS = 10
_TOLD = ("source", "routing_key", "destination")


def wait_until_up(site: Site) -> None:
    """Return when the broker takes connections and its management API answers."""
    deadline = time.monotonic() + _BACK_SECONDS
    while True:
        try:
            pika.BlockingConnection(pika.URLParameters(site.system.broker_url)).close()
            with site.management() as management:
                management.get("/api/overview").raise_for_status()
        except (AMQPError, OSError, httpx.HTTPError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@contextmanager
def stopped(site: Site, _chance: random.Random) -> Iterator[None]:
    site.instance.stop(BROKER)
    try:
        yield
    finally:
        site.instance.start(BROKER)
        wait_until_up(site)


@contextmanager
def killed(site: Site, _chance: random.Random) -> Iterator[None]:
    """As a power cut would."""
    site.instance.kill(BROKER, signal.SIGKILL)
    yield
    wait_until_up(site)


@contextmanager
def stalled(site: Site, chance: random.Random) -> Iterator[None]:
    with frozen(site, chance, BROKER):
        yield


@contextmanager
def connections_closed(site: Site, _chance: random.Random) -> Iterator[None]:
    """Every connection, from the broker's side."""
    with site.management() as management:
        for connection in management.get("/api/connections").raise_for_status().json():
            _persist(partial(_close, management, connection["name"]))
    yield


def _close(management: httpx.Client, connection: str) -> None:
    gone = management.delete(f"/api/connections/{quote(connection, safe='')}")
    if gone.status_code != httpx.codes.NOT_FOUND:
        gone.raise_for_status()  # 500, when it was just about to end by itself


@contextmanager
def binding_dropped(site: Site, chance: random.Random) -> Iterator[None]:
    """One of the system's bindings; put back by applying the topology, which every installation step does.

    What was published meanwhile did not reach the queue, although the broker confirmed it: other queues had
    it. The service is told to publish it again.
    """
    since = datetime.now(UTC) - timedelta(seconds=1)
    with site.management() as management:
        binding = _some_binding(management, site.vhost, chance)
        management.delete(_path(site.vhost, binding)).raise_for_status()
    try:
        _check_that_it_is_missed(site, binding)
        yield
    finally:
        _persist(site.instance.apply_topology)
        for service in _publishers(binding["source"]):
            arguments = ("outbox", "again", "--since", since.isoformat())
            _persist(site.instance.command(service, *arguments).run)


@contextmanager
def queue_full(site: Site, chance: random.Random) -> Iterator[None]:
    """A service's queue takes nothing: whoever publishes is told, and keeps it."""
    service = chance.choice(SERVICES)
    path = f"/api/policies/{site.vhost}/{_POLICY}"
    with site.management() as management:
        policies = management.get(f"/api/policies/{site.vhost}").raise_for_status().json()
        own = next(policy for policy in policies if policy["name"] == f"{service}.events")
        full = {
            "pattern": own["pattern"],
            "apply-to": "queues",
            "priority": _ABOVE_OURS,
            "definition": own["definition"] | {"max-length": 0, "overflow": "reject-publish"},
        }
        management.put(path, json=full).raise_for_status()
    try:
        yield
    finally:
        with site.management() as management:
            management.delete(path).raise_for_status()


@contextmanager
def disk_full(site: Site, _chance: random.Random) -> Iterator[None]:
    """In the broker's eyes: it reads nothing more from a connection that has published, acknowledgements
    neither, until there is room again.
    """
    with disk_alarm(site.instance.control_broker, site.management):
        yield


def _publishers(exchange: str) -> Sequence[str]:
    """The services whose events go through an exchange for the first time they are published."""
    first, second, *_ = exchange.split(".")
    if first == "ambito":
        return (second,)
    return SERVICES if second == "intake" else ()


def _check_that_it_is_missed(site: Site, binding: dict[str, Any]) -> None:
    """An operator who asks is told which one it is."""
    try:
        site.instance.check_topology()
    except StartError as error:
        if all(binding[part] in str(error) for part in _TOLD):
            return
    site.planted.wrong.append(f"no word of the missing binding {binding}")


def _some_binding(management: httpx.Client, vhost: str, chance: random.Random) -> dict[str, Any]:
    found = management.get(f"/api/bindings/{vhost}").raise_for_status().json()
    ours = [binding for binding in found if binding["source"]]
    ours.sort(key=lambda binding: (binding["source"], binding["destination"], binding["routing_key"]))
    return dict(chance.choice(ours))


def _path(vhost: str, binding: dict[str, Any]) -> str:
    kind = "e" if binding["destination_type"] == "exchange" else "q"
    names = (binding["source"], kind, binding["destination"], binding["properties_key"])
    return f"/api/bindings/{vhost}/e/" + "/".join(quote(name, safe="") for name in names)


def _persist(work: Callable[[], None]) -> None:
    """An operator tries again while something else is broken, too."""
    deadline = time.monotonic() + _BACK_SECONDS
    while True:
        try:
            return work()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


_PARTS = frozenset({BROKER})
FAULTS = (
    Fault("RabbitMQ stopped", stopped, _PARTS, (0.5, 4.0), heavy=True),
    Fault("RabbitMQ killed", killed, _PARTS, heavy=True),
    Fault("RabbitMQ frozen", stalled, _PARTS, (2.0, 8.0)),
    Fault("RabbitMQ's connections closed", connections_closed, _PARTS),
    Fault("a binding dropped", binding_dropped, _PARTS | {"postgres"}, (0.5, 3.0)),
    Fault("a queue full", queue_full, _PARTS, (1.0, 4.0)),
    Fault("RabbitMQ's disk full", disk_full, _PARTS, (1.0, 6.0)),
)
