"""What the broker holds, beside what it must hold for this territory."""

from __future__ import annotations

from typing import Any, Final

import httpx

from deploy.broker.apart import Apart
from deploy.broker.topology import SERVICES, cooperative_queue
from deploy.containers.facts import BrokerFacts, QueueFacts
from deploy.containers.servers import management, wanted_topology
from deploy.local.secrets import Secrets
from deploy.local.servers import VHOST
from services.chassis.messaging.topology import Names
from services.chassis.messaging.topology_apply import missing_bindings
from services.contracts.territory import Territory

_TIMEOUT_SECONDS: Final = 5.0


def broker_facts(secrets: Secrets, territory: Territory, apart: Apart) -> BrokerFacts:
    """Raises httpx.HTTPError or TopologyError if the management API does not answer as it must."""
    slugs = [provider.slug for provider in territory.providers]
    wanted = wanted_topology(territory, apart)
    subscribers = {cooperative_queue(slug).name: slug for slug in slugs}
    with management(secrets, _TIMEOUT_SECONDS) as api:
        overview = _get(api, "/api/overview")
        nodes = _get(api, "/api/nodes")
        held = {queue["name"]: queue for queue in _get(api, f"/api/queues/{VHOST}")}
        lacking = missing_bindings(wanted, api, VHOST)
    expected = {queue.name for queue in wanted.queues}
    return BrokerFacts(
        version=overview["rabbitmq_version"],
        alarms=[f"{node['name']}: {alarm}" for node in nodes for alarm in _alarms(node)],
        queues=[_queue(held[name], subscribers.get(name, "")) for name in sorted(held)],
        consumed=[Names(service).queue for service in SERVICES],
        limits={name: cooperative_queue(slug).max_length for name, slug in subscribers.items()},
        missing_queues=sorted(expected - held.keys()),
        missing_bindings=[str(binding) for binding in lacking],
        unknown_queues=sorted(held.keys() - expected),
    )


def _get(api: httpx.Client, path: str) -> Any:  # noqa: ANN401 - JSON
    return api.get(path).raise_for_status().json()


def _alarms(node: dict[str, Any]) -> list[str]:
    if not node.get("running", True):
        return ["the node does not run"]
    named = {"mem_alarm": "memory", "disk_free_alarm": "disk space"}
    return [f"too little {what}" for key, what in named.items() if node.get(key)]


def _queue(held: dict[str, Any], subscriber: str) -> QueueFacts:
    return QueueFacts(
        name=held["name"],
        ready=held.get("messages_ready", 0),
        unacknowledged=held.get("messages_unacknowledged", 0),
        consumers=held.get("consumers", 0),
        subscriber=subscriber,
    )
