"""Whether the servers take the passwords that stand among the secrets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import psycopg
from amqp.exceptions import AMQPError

from deploy.broker.topology import SERVICES, cooperative_user
from deploy.containers.facts import LoginFacts
from deploy.containers.secrets import amqp_url
from deploy.local.secrets import Secrets
from services.chassis.messaging.connection import connect
from services.contracts.territory import Territory

_TIMEOUT_SECONDS: Final = 4
_AT_ONCE: Final = 4


def login_facts(secrets: Secrets, territory: Territory, shut_out: Collection[str]) -> LoginFacts:
    """Sign in as everybody, and out again. OSError if a secret is missing."""
    closed = {cooperative_user(slug) for slug in shut_out}
    users = [*SERVICES, *(cooperative_user(provider.slug) for provider in territory.providers)]
    broker = _refusals(users, lambda user: _ask_broker(secrets, user))
    return LoginFacts(
        broker_refuses={user: reason for user, reason in broker.items() if user not in closed},
        broker_lets_in=sorted(closed - broker.keys()),
        database_refuses=_refusals(SERVICES, lambda service: _ask_database(secrets, service)),
    )


def _refusals(names: Iterable[str], ask: Callable[[str], str]) -> dict[str, str]:
    wanted = list(names)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = zip(wanted, pool.map(ask, wanted), strict=True)
    return {name: reason for name, reason in answers if reason}


def _ask_broker(secrets: Secrets, user: str) -> str:
    # For a service, what its processes are given, whoever has written it.
    url = secrets.text(f"{user}-amqp-url") if user in SERVICES else amqp_url(secrets, user)
    try:
        connect(url, timeout_seconds=_TIMEOUT_SECONDS, name="doctor").collect()
    except (AMQPError, OSError) as error:
        return str(error).strip() or type(error).__name__
    return ""


def _ask_database(secrets: Secrets, service: str) -> str:
    url = secrets.text(f"{service}-database-url").replace("+psycopg", "", 1)
    try:
        psycopg.connect(url, connect_timeout=_TIMEOUT_SECONDS).close()
    except psycopg.Error as error:
        return str(error).strip()
    return ""
