"""All secrets of an installation in containers, one file each, in one directory.

The directory is its owner's only. The files in it are readable by everybody, because they are mounted one by
one into containers whose users own nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deploy.broker.topology import SERVICES, cooperative_user
from deploy.containers.disabled import FILE as DISABLED
from deploy.local.postgres import SUPERUSER
from deploy.local.rabbitmq import ADMIN
from deploy.local.secrets import Secrets
from deploy.local.servers import VHOST
from deploy.local.setup import logins
from services.contracts.territory import Territory

POSTGRES, RABBITMQ = ("postgres",), ("rabbitmq",)
"""Names by which the servers are found."""
ACCOUNTS, SMTP = "accounts.json", "smtp-url"
POSTGRES_CLUSTER = ("postgres", "postgres-replica")
RABBITMQ_CLUSTER = ("rabbitmq", "rabbitmq-2", "rabbitmq-3")
"""The same with compose.cluster.yaml."""
WATCH = "watch"
"""PostgreSQL's role, and database, of whoever looks whether it answers."""


ALERTMANAGER = """\
# Who is told of alerts. So far they only show in Grafana and at Alertmanager's own port; with a mail server:
#
#   receivers:
#     - name: operations
#       email_configs:
#         - {to: operations@example.it, from: ambito@example.it, smarthost: "mail.example.it:587",
#            auth_username: ambito, auth_password: "..."}
route:
  receiver: operations
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
receivers:
  - name: operations
"""


def make(directory: Path, territory: Territory) -> None:
    """Make what is missing; nothing that exists is changed, but new cooperatives and accounts get theirs."""
    secrets = Secrets(directory)
    for service in SERVICES:
        secrets.given(f"{service}-database-url", database_url(secrets, service))
        secrets.given(f"{service}-amqp-url", amqp_url(secrets, service))
        secrets.given(f"{service}-database-url-cluster", database_url(secrets, service, POSTGRES_CLUSTER))
        secrets.given(f"{service}-amqp-url-cluster", amqp_url(secrets, service, RABBITMQ_CLUSTER))
    for provider in territory.providers:
        secrets.password(f"broker-{cooperative_user(provider.slug)}")
    secrets.password("postgres-admin")
    secrets.password("erlang-cookie")
    admin = secrets.password("rabbitmq-admin")
    secrets.given(
        "rabbitmq-admin.conf",
        f"default_user = {ADMIN}\ndefault_pass = {admin}\ndefault_user_tags.administrator = true\n",
    )
    secrets.jwks()
    for ring in ("identity", "catalogue", "vouchers", "notifications"):
        secrets.key_ring(f"{ring}-data-keys")
    secrets.key_ring("event-data-keys")
    secrets.key("identity-blind-index-key")
    secrets.key("catalogue-delivery-code-key")
    secrets.given(SMTP, "smtp://mail:25")
    secrets.given("watch-database-url", watch_url(secrets))
    secrets.given("watch-database-url-cluster", watch_url(secrets, POSTGRES_CLUSTER))
    secrets.password("grafana-admin")
    secrets.given("alertmanager.yaml", ALERTMANAGER)
    secrets.given(DISABLED, "\n")  # a secret of Swarm may not be empty
    secrets.passwords(ACCOUNTS, logins(territory))
    directory.chmod(0o700)
    for file in directory.iterdir():
        file.chmod(0o444)


def database_url(secrets: Secrets, service: str, hosts: Sequence[str] = POSTGRES) -> str:
    """SQLAlchemy URL of a service's database; of several hosts, that which takes writes."""
    login = f"postgresql+psycopg://{service}:{secrets.password(f'database-{service}')}"
    if len(hosts) == 1:
        return f"{login}@{hosts[0]}:5432/{service}"
    everywhere = "&".join(f"host={host}:5432" for host in hosts)
    return f"{login}@/{service}?{everywhere}&target_session_attrs=read-write"


def watch_url(secrets: Secrets, hosts: Sequence[str] = POSTGRES) -> str:
    """libpq URL of a database of its own with nothing in it: from there one sees that the server answers; of
    several hosts, that which takes writes.
    """
    return _libpq_url(WATCH, secrets.password(f"database-{WATCH}"), hosts, WATCH)


def admin_url(secrets: Secrets, hosts: Sequence[str] = POSTGRES) -> str:
    """libpq URL of PostgreSQL's superuser; of several hosts, that which takes writes."""
    return _libpq_url(SUPERUSER, secrets.password("postgres-admin"), hosts, "postgres")


def _libpq_url(user: str, password: str, hosts: Sequence[str], database: str) -> str:
    everywhere = ",".join(f"{host}:5432" for host in hosts)
    return f"postgresql://{user}:{password}@{everywhere}/{database}?target_session_attrs=read-write"


def amqp_url(secrets: Secrets, user: str, hosts: Sequence[str] = RABBITMQ) -> str:
    """AMQP URL of a broker user of a service or a cooperative; of a cluster, its nodes' with `;` between."""
    login = f"amqp://{user}:{secrets.password(f'broker-{user}')}"
    return ";".join(f"{login}@{host}:5672/{VHOST}" for host in hosts)


def management_url(secrets: Secrets, host: str = RABBITMQ[0]) -> str:
    """Of the broker's management API, with its administrator's credentials."""
    return f"http://{ADMIN}:{secrets.password('rabbitmq-admin')}@{host}:15672"
