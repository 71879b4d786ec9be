"""What this system asks of the broker: its services' events, and one queue for each cooperative."""

from collections.abc import Iterable

from deploy.broker.apart import Apart
from services.chassis.definition import ServiceDefinition, load
from services.chassis.messaging.topology import Names, SubscriberQueue, Topology, build
from services.contracts.asyncapi import all_events

SERVICES = ("identity", "catalogue", "vouchers", "notifications")


def cooperative_user(slug: str) -> str:
    """The broker user with which a cooperative reads its queue."""
    return f"coop-{slug}"


def cooperative_queue(slug: str) -> SubscriberQueue:
    """A cooperative's own queue: every public event that is addressed to it, and nothing else.

    The last word of a routing key is the provider's slug.
    """
    exchanges = [Names(service).public_exchange for service in SERVICES]
    return SubscriberQueue(
        name=f"coop.{slug}",
        user=cooperative_user(slug),
        bindings=tuple((exchange, f"*.*.*.{slug}") for exchange in exchanges),
    )


def topology(cooperatives: Iterable[str], apart: Apart | None = None) -> Topology:
    """Everything the broker must hold for a territory with these cooperatives, some comuni of which may be
    served apart.
    """
    definitions: list[ServiceDefinition] = [load(f"services.{name}.bootstrap:SERVICE") for name in SERVICES]
    consumed = {definition.name: definition.consumes for definition in definitions}
    return build(
        consumed,
        map(cooperative_queue, cooperatives),
        emitted=all_events(),
        partitions=(apart or Apart()).partitions(),
    )
