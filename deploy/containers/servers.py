"""What PostgreSQL and RabbitMQ must hold before the application's processes start."""

from __future__ import annotations

import httpx

from deploy.broker.topology import SERVICES, topology
from deploy.containers.replication import acknowledge_on_both
from deploy.containers.secrets import (
    POSTGRES_CLUSTER,
    RABBITMQ,
    RABBITMQ_CLUSTER,
    admin_url,
    management_url,
)
from deploy.local.databases import ensure_database
from deploy.local.secrets import Secrets
from deploy.local.servers import VHOST
from services.chassis.messaging.topology_apply import apply
from services.contracts.territory import Territory


def prepare(secrets: Secrets, territory: Territory) -> None:
    """Databases with their roles; the broker's users, exchanges, queues and policies. May be repeated.

    Raises:
        psycopg.Error, httpx.HTTPError: a server does not answer as it must.
        TopologyError: the broker has something in another form, which it cannot change.
    """
    _prepare(secrets, territory, admin_url(secrets), RABBITMQ[0])


def prepare_cluster(secrets: Secrets, territory: Territory) -> None:
    """As `prepare`, with whichever database is the primary and whichever node answers; and from then on the
    primary acknowledges what both have.

    Raises:
        NobodyFollows: there is no standby.
    """
    primary = admin_url(secrets, POSTGRES_CLUSTER)
    _prepare(secrets, territory, primary, _answering_node(secrets))
    acknowledge_on_both(primary)


def _prepare(secrets: Secrets, territory: Territory, database: str, node: str) -> None:
    for service in SERVICES:
        ensure_database(database, service, secrets.password(f"database-{service}"))
    wanted = topology(provider.slug for provider in territory.providers)
    passwords = {user.name: secrets.password(f"broker-{user.name}") for user in wanted.users}
    with httpx.Client(base_url=management_url(secrets, node), timeout=30, trust_env=False) as management:
        apply(wanted, management, VHOST, passwords)


def _answering_node(secrets: Secrets) -> str:
    """The first node whose management API answers, or the last."""
    *others, last = RABBITMQ_CLUSTER
    for node in others:
        try:
            url = f"{management_url(secrets, node)}/api/whoami"
            httpx.get(url, timeout=5, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            continue
        return node
    return last
