"""Who has to handle which event, and who has not yet."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from deploy.local.environment import SERVICES
from deploy.local.instance import Instance
from services.chassis.database import Database
from services.chassis.definition import ServiceDefinition, load
from services.chassis.messaging.event import EventType
from services.chassis.messaging.received import Subscription


def subscriptions(instance: Instance, service: str) -> Sequence[Subscription]:
    """What the worker of a service is made of, with the settings of its commands."""
    definition: ServiceDefinition = load(f"services.{service}.bootstrap:SERVICE")
    environment = instance.command(service).environment
    settings = load(definition.settings)(**{name.lower(): value for name, value in environment.items()})
    database = Database.from_settings(settings, "faults")
    try:
        found: Sequence[Subscription] = load(definition.subscriptions or "")(settings, database)
        return found
    finally:
        database.dispose()


class Consumers:
    """Compares outboxes with inboxes."""

    def __init__(self, instance: Instance) -> None:
        self._wanted: dict[str, dict[str, list[str]]] = {}  # service → event type → consumers
        for service in SERVICES:
            by_type: dict[str, list[str]] = defaultdict(list)
            for subscription in subscriptions(instance, service):
                for event_type in subscription.event_types:
                    by_type[event_type].append(subscription.consumer)
            self._wanted[service] = by_type

    def types(self, service: str) -> dict[str, list[str]]:
        """Producer → event types that the service handles."""
        found: dict[str, list[str]] = defaultdict(list)
        for event_type in self._wanted[service]:
            found[EventType.parse(event_type).service].append(event_type)
        return found

    def missing(
        self, service: str, published: Sequence[tuple[str, str]], inbox: set[tuple[str, str]]
    ) -> Counter[str]:
        """Consumer → how many of the events `published` (id, type) it has no row for in `inbox` (consumer,
        id).
        """
        return Counter(
            consumer
            for event_id, event_type in published
            for consumer in self._wanted[service].get(event_type, ())
            if (consumer, event_id) not in inbox
        )
