"""What PostgreSQL and RabbitMQ must hold before the application's processes start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from deploy.broker.apart import Apart
from deploy.broker.former import Former, forget, former
from deploy.broker.topology import SERVICES, topology
from deploy.containers.secrets import admin_url, management_url
from deploy.local.databases import ensure_database
from deploy.local.secrets import Secrets
from deploy.local.servers import VHOST
from services.chassis.messaging.topology import Topology
from services.chassis.messaging.topology_apply import apply
from services.contracts.territory import Territory


def prepare(secrets: Secrets, territory: Territory, apart: Apart) -> list[Former]:
    """Databases with their roles; the broker's users, exchanges, queues and policies. May be repeated.

    Returns what is still left of groups of comuni that are apart no more.

    Raises:
        psycopg.Error, httpx.HTTPError: a server does not answer as it must.
        TopologyError: the broker has something in another form, which it cannot change.
    """
    for service in SERVICES:
        ensure_database(admin_url(secrets), service, secrets.password(f"database-{service}"))
    wanted = _wanted(territory, apart)
    passwords = {user.name: secrets.password(f"broker-{user.name}") for user in wanted.users}
    with _management(secrets) as management:
        apply(wanted, management, VHOST, passwords)
        return forget(wanted, SERVICES, management, VHOST)


def left_over(secrets: Secrets, territory: Territory, apart: Apart) -> list[Former]:
    """What is left of groups of comuni that are apart no more; nothing is changed. Raises as `prepare`."""
    with _management(secrets) as management:
        return former(_wanted(territory, apart), SERVICES, management, VHOST)


def _wanted(territory: Territory, apart: Apart) -> Topology:
    return topology((provider.slug for provider in territory.providers), apart)


@contextmanager
def _management(secrets: Secrets) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=management_url(secrets), timeout=30, trust_env=False) as management:
        yield management
