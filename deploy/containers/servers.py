"""What PostgreSQL and RabbitMQ must hold before the application's processes start."""

from __future__ import annotations

import httpx

from deploy.broker.topology import SERVICES, topology
from deploy.containers.secrets import WATCH, admin_url, management_url
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
    for service in (*SERVICES, WATCH):
        ensure_database(admin_url(secrets), service, secrets.password(f"database-{service}"))
    wanted = topology(provider.slug for provider in territory.providers)
    passwords = {user.name: secrets.password(f"broker-{user.name}") for user in wanted.users}
    with httpx.Client(base_url=management_url(secrets), timeout=30, trust_env=False) as management:
        apply(wanted, management, VHOST, passwords)
