"""Whether the servers take the passwords that stand among the secrets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import psycopg
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed

from deploy.broker.topology import SERVICES, cooperative_user
from deploy.containers.facts import LoginFacts
from deploy.containers.secrets import amqp_url
from deploy.local.secrets import Secrets
from services.chassis.messaging.connection import connect
from services.contracts.territory import Territory

_TIMEOUT_SECONDS: Final = 4
_AT_ONCE: Final = 4
_SERVERS_OWN_WORD: Final = "FATAL:"
"""How PostgreSQL begins what it says to those whom it does not let in."""


def login_facts(secrets: Secrets, territory: Territory, shut_out: Collection[str]) -> LoginFacts:
    """Sign in as everybody, and out again. OSError if a secret is missing."""
    closed = {cooperative_user(slug) for slug in shut_out}
    users = [*SERVICES, *(cooperative_user(provider.slug) for provider in territory.providers)]
    broker = _answers(users, lambda user: _ask_broker(secrets, user))
    databases = _answers(SERVICES, lambda service: _ask_database(secrets, service))
    return LoginFacts(
        broker_refuses={user: reason for user, reason in broker.items() if reason and user not in closed},
        broker_lets_in=sorted(user for user in closed & broker.keys() if not broker[user]),
        database_refuses={service: reason for service, reason in databases.items() if reason},
    )


def _answers(names: Iterable[str], ask: Callable[[str], str | None]) -> dict[str, str]:
    """Name → why it is refused, empty if it is not; without those who found nobody to ask."""
    wanted = list(names)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = zip(wanted, pool.map(ask, wanted), strict=True)
    return {name: answer for name, answer in answers if answer is not None}


def _ask_broker(secrets: Secrets, user: str) -> str | None:
    # For a service, what its processes are given, whoever has written it.
    url = secrets.text(f"{user}-amqp-url") if user in SERVICES else amqp_url(secrets, user)
    try:
        connect(url, timeout_seconds=_TIMEOUT_SECONDS, name="doctor").collect()
    except (AccessRefused, NotAllowed) as error:
        return str(error).strip() or type(error).__name__
    except (AMQPError, OSError):
        return None  # that it does not answer is found elsewhere
    return ""


def _ask_database(secrets: Secrets, service: str) -> str | None:
    url = secrets.text(f"{service}-database-url").replace("+psycopg", "", 1)
    try:
        psycopg.connect(url, connect_timeout=_TIMEOUT_SECONDS).close()
    except psycopg.Error as error:
        return str(error).strip() if _SERVERS_OWN_WORD in str(error) else None
    return ""
