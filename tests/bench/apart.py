"""Single processes of services, apart from the installation: on copies of its databases, and on a virtual
host of the broker with the same topology and nobody else in it. Neither disturbs the other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pika

from deploy.broker.topology import topology
from deploy.local.layout import ROOT
from deploy.local.programs import Program
from services.chassis.messaging.topology_apply import apply
from tests.bench.system import System
from tests.support.processes import ProgramRun

_VHOST = "bench"
_STOP_SECONDS = 30


class Apart:
    """The virtual host; removed by `close`."""

    def __init__(self, system: System, cooperatives: Sequence[str]) -> None:
        self._system = system
        self._management = httpx.Client(
            base_url=system.instance.management_url(), timeout=30, trust_env=False
        )
        wanted = topology(cooperatives)
        secrets = system.instance.secrets
        passwords = {user.name: secrets.password(f"broker-{user.name}") for user in wanted.users}
        apply(wanted, self._management, _VHOST, passwords)
        self._queues = [queue.name for queue in wanted.queues]
        self.empty()  # of what a run that was killed left

    @property
    def broker_url(self) -> str:
        """AMQP URL of the broker's administrator, in the virtual host."""
        return _in_vhost(self._system.broker_url)

    @contextmanager
    def process(self, service: str, kind: str, database_url: str) -> Iterator[ProgramRun]:
        """`python -m services.<service> <kind>` while the block runs. `database_url` of SQLAlchemy."""
        given = self._system.instance.command(service, kind).environment
        own = {"DATABASE_URL": database_url, "AMQP_URL": _in_vhost(given["AMQP_URL"])}
        changed = dict(given) | own
        with running(self._system, f"services.{service}", kind, environment=changed) as run:
            yield run

    def empty(self) -> None:
        """Throw all messages away."""
        connection = pika.BlockingConnection(pika.URLParameters(self.broker_url))
        channel = connection.channel()
        for queue in self._queues:
            channel.queue_purge(queue)
        connection.close()

    def close(self) -> None:
        self._management.delete(f"/api/vhosts/{_VHOST}").raise_for_status()
        self._management.close()


@contextmanager
def running(
    system: System, module: str, *arguments: str, environment: Mapping[str, str]
) -> Iterator[ProgramRun]:
    """`python -m <module> <arguments>` while the block runs; its output goes to the installation's logs."""
    name = "-".join(("bench", module.rpartition(".")[2], *arguments))
    program = Program(
        name=name,
        command=(sys.executable, "-m", module, *arguments),
        directory=ROOT,
        environment=environment,
        stop_seconds=_STOP_SECONDS,
    )
    run = ProgramRun(program, system.instance.layout.logs / f"{name}.log")
    try:
        yield run
    finally:
        run.stop()


def _in_vhost(amqp_url: str) -> str:
    return urlsplit(amqp_url)._replace(path=f"/{_VHOST}").geturl()
