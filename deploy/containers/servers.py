"""What PostgreSQL and RabbitMQ must hold before the application's processes start."""

from __future__ import annotations

from collections.abc import Collection

import httpx

from deploy.broker.topology import SERVICES, cooperative_user, topology
from deploy.containers.secrets import admin_url, management_url
from deploy.local.databases import ensure_database
from deploy.local.secrets import Secrets
from deploy.local.servers import VHOST
from services.chassis.messaging.topology_apply import apply
from services.contracts.territory import Territory


def prepare(secrets: Secrets, territory: Territory, shut_out: Collection[str] = ()) -> None:
    """Databases with their roles; the broker's users, exchanges, queues and policies. May be repeated.

    Cooperatives that are `shut_out` have their queue, and a user who cannot connect.

    Raises:
        psycopg.Error, httpx.HTTPError: a server does not answer as it must.
        TopologyError: the broker has something in another form, which it cannot change.
    """
    for service in SERVICES:
        ensure_database(admin_url(secrets), service, secrets.password(f"database-{service}"))
    prepare_broker(secrets, territory, shut_out)


def prepare_broker(secrets: Secrets, territory: Territory, shut_out: Collection[str] = ()) -> None:
    """The broker's part of `prepare`."""
    wanted = topology(provider.slug for provider in territory.providers)
    closed = {cooperative_user(slug) for slug in shut_out}
    passwords = {
        user.name: None if user.name in closed else secrets.password(f"broker-{user.name}")
        for user in wanted.users
    }
    with management(secrets) as api:
        apply(wanted, api, VHOST, passwords)


def management(secrets: Secrets, timeout_seconds: float = 30) -> httpx.Client:
    """A client of the broker's management API, as its administrator; to be closed."""
    return httpx.Client(base_url=management_url(secrets), timeout=timeout_seconds, trust_env=False)
