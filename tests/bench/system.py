"""The installation under measurement: where its servers are, what it uses, and when it has come to rest."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pika
import psycopg

from deploy.local.environment import SERVICES
from deploy.local.instance import Instance
from deploy.local.postgres import SUPERUSER

_REST_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.1


class System:
    """A running installation with private servers."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    @property
    def admin_url(self) -> str:
        """libpq URL of the database server's superuser."""
        password = self.instance.secrets.password("postgres-admin")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.instance.ports['postgres']}/postgres"

    @property
    def broker_url(self) -> str:
        """AMQP URL of the broker's administrator, in the installation's virtual host."""
        administrator = urlsplit(self.instance.management_url())
        anybody = urlsplit(self.instance.cooperative_amqp_url("anybody"))
        credentials = f"{administrator.username}:{administrator.password}"
        return anybody._replace(netloc=f"{credentials}@{anybody.hostname}:{anybody.port}").geturl()

    def wait_for_rest(self) -> float:
        """Seconds until every event is published and consumed, and every e-mail sent.

        TimeoutError if that takes more than a minute.
        """
        started = time.monotonic()
        while work := self._work_left():
            if time.monotonic() - started > _REST_TIMEOUT_SECONDS:
                raise TimeoutError(f"after {_REST_TIMEOUT_SECONDS:.0f} s still to do: {work}")
            time.sleep(_POLL_SECONDS)
        return time.monotonic() - started

    def _work_left(self) -> dict[str, int]:
        left = {}
        for service in SERVICES:
            left[f"{service}: events to publish"] = self._count(service, "outbox WHERE published_at IS NULL")
        left["e-mails to send"] = self._count("notifications", "email WHERE state = 'pending'")
        connection = pika.BlockingConnection(pika.URLParameters(self.broker_url))
        channel = connection.channel()
        for service in SERVICES:
            declared = channel.queue_declare(f"{service}.events", passive=True)
            left[f"{service}: events to consume"] = declared.method.message_count
        connection.close()
        return {what: count for what, count in left.items() if count}

    def _count(self, service: str, rows: str) -> int:
        url = f"{self.admin_url.rsplit('/', 1)[0]}/{service}"
        with psycopg.connect(url) as connection:
            found = connection.execute(f"SELECT count(*) FROM {rows}").fetchone()  # noqa: S608 - our own words
        assert found is not None
        return int(found[0])
