"""What PostgreSQL and RabbitMQ must hold before the application's processes start."""

from __future__ import annotations

from collections.abc import Collection

import httpx

from deploy.broker.apart import Apart
from deploy.broker.former import Former, forget, former
from deploy.broker.topology import SERVICES, cooperative_user, topology
from deploy.containers.metadata_store import enable_khepri
from deploy.containers.replication import acknowledge_on_both
from deploy.containers.secrets import (
    POSTGRES_CLUSTER,
    RABBITMQ_CLUSTER,
    WATCH,
    admin_url,
    management_url,
)
from deploy.local.databases import ensure_database
from deploy.local.secrets import Secrets
from deploy.local.servers import VHOST
from services.chassis.messaging.topology import Topology
from services.chassis.messaging.topology_apply import apply
from services.contracts.territory import Territory


def prepare(
    secrets: Secrets,
    territory: Territory,
    apart: Apart,
    shut_out: Collection[str] = (),
    *,
    keep_bindings: bool = False,
) -> list[Former]:
    """Databases with their roles; the broker's users, exchanges, queues and policies. May be repeated.

    `shut_out`: cooperatives whose users cannot connect. `keep_bindings`: those that this version does not
    need stay, for another that does. Returns what is still left of groups of comuni that are apart no more.

    Raises:
        psycopg.Error, httpx.HTTPError: a server does not answer as it must.
        TopologyError: the broker has something in another form, which it cannot change.
    """
    _prepare_databases(secrets, admin_url(secrets))
    return prepare_broker(secrets, territory, apart, shut_out, keep_bindings=keep_bindings)


def prepare_cluster(
    secrets: Secrets,
    territory: Territory,
    apart: Apart,
    shut_out: Collection[str] = (),
    *,
    keep_bindings: bool = False,
) -> list[Former]:
    """As `prepare`, with whichever database is the primary; from then on it acknowledges what both have, and
    the broker's nodes keep their metadata in Khepri.

    Raises:
        NobodyFollows: there is no standby.
        NodesMissing: a node of the broker does not run, and all are needed.
    """
    primary = admin_url(secrets, POSTGRES_CLUSTER)
    _prepare_databases(secrets, primary)
    with management(secrets) as api:
        enable_khepri(api, len(RABBITMQ_CLUSTER))
    left = prepare_broker(secrets, territory, apart, shut_out, keep_bindings=keep_bindings)
    acknowledge_on_both(primary)
    return left


def prepare_broker(
    secrets: Secrets,
    territory: Territory,
    apart: Apart,
    shut_out: Collection[str] = (),
    *,
    keep_bindings: bool = False,
) -> list[Former]:
    """The broker's part of `prepare`."""
    wanted = wanted_topology(territory, apart)
    closed = {cooperative_user(slug) for slug in shut_out}
    passwords = {
        user.name: None if user.name in closed else secrets.password(f"broker-{user.name}")
        for user in wanted.users
    }
    with management(secrets) as api:
        apply(wanted, api, VHOST, passwords, keep_bindings=keep_bindings)
        return [] if keep_bindings else forget(wanted, SERVICES, api, VHOST)


def left_over(secrets: Secrets, territory: Territory, apart: Apart) -> list[Former]:
    """What is left of groups of comuni that are apart no more; nothing is changed. Raises as `prepare`."""
    with management(secrets) as api:
        return former(wanted_topology(territory, apart), SERVICES, api, VHOST)


def wanted_topology(territory: Territory, apart: Apart) -> Topology:
    """What the broker must hold."""
    return topology((provider.slug for provider in territory.providers), apart)


def management(secrets: Secrets, timeout_seconds: float = 30) -> httpx.Client:
    """A client of the management API of whichever node answers, as its administrator; to be closed."""
    url = management_url(secrets, _answering_node(secrets))
    return httpx.Client(base_url=url, timeout=timeout_seconds, trust_env=False)


def _prepare_databases(secrets: Secrets, admin: str) -> None:
    for service in (*SERVICES, WATCH):
        ensure_database(admin, service, secrets.password(f"database-{service}"))


def _answering_node(secrets: Secrets) -> str:
    """The first node whose management API answers; the first one if none does."""
    for node in RABBITMQ_CLUSTER:
        try:
            url = f"{management_url(secrets, node)}/api/whoami"
            httpx.get(url, timeout=5, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            continue
        return node
    return RABBITMQ_CLUSTER[0]
