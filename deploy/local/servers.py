"""PostgreSQL and RabbitMQ of an installation: private ones, or those it was given."""

from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

from deploy.local.environment import SERVICES, Endpoints
from deploy.local.layout import Given, Layout
from deploy.local.postgres import PostgresServer
from deploy.local.programs import Program, StartError, log_tail, unprivileged
from deploy.local.rabbitmq import RabbitPorts, RabbitServer
from deploy.local.secrets import Secrets
from deploy.local.state import Ports
from deploy.local.supervision import Supervisor

VHOST = "ambito"
Step = tuple[str, Callable[[], None]]
"""A few words for the person who waits, and what to do."""


class Servers:
    """What the services keep their state in and talk through.

    `postgres` and `rabbitmq` are None when given servers are used; `management_url` is of the broker in use.
    """

    NAMES = ("epmd", "postgres", "rabbitmq")

    def __init__(self, layout: Layout, ports: Ports, secrets: Secrets, given: Given) -> None:
        self.given = given
        self._secrets = secrets
        self.postgres: PostgresServer | None = None
        self.rabbitmq: RabbitServer | None = None
        if given.needs_postgres:
            self.postgres = PostgresServer(
                home=layout.server_home("postgres", unprivileged("postgres")),
                port=ports["postgres"],
                password=secrets.password("postgres-admin"),
                shared_buffers=given.shared_buffers,
            )
        if given.broker is not None:
            self._amqp_url = given.broker.amqp_url
            self.management_url = given.broker.management_url
        else:
            self.rabbitmq = RabbitServer(
                home=layout.server_home("rabbitmq", unprivileged("rabbitmq")),
                ports=RabbitPorts(
                    amqp=ports["amqp"],
                    management=ports["amqp-management"],
                    distribution=ports["amqp-distribution"],
                    port_mapper=ports["epmd"],
                ),
                password=secrets.password("rabbitmq-admin"),
            )
            self._amqp_url = self.rabbitmq.amqp_url(VHOST)
            self.management_url = self.rabbitmq.management_url

    def prepare(self) -> None:
        """Create what the private servers need on disk."""
        for server in (self.postgres, self.rabbitmq):
            if server is not None:
                server.prepare()

    def programs(self) -> list[Program]:
        """The private servers' processes."""
        found: list[Program] = []
        if self.postgres is not None:
            found.append(self.postgres.program())
        if self.rabbitmq is not None:
            found.extend(self.rabbitmq.programs())
        return found

    def starts(self, supervisor: Supervisor) -> Iterator[Step]:
        """Steps that start the private servers. PostgreSQL answers then; RabbitMQ, which takes longest, after
        those of `broker_answers`.
        """
        if self.rabbitmq is not None:
            rabbitmq = self.rabbitmq

            def begin() -> None:
                supervisor.start(["epmd"])
                _await("epmd", rabbitmq.wait_mapper_ready, supervisor)
                supervisor.start(["rabbitmq"])

            yield "Erlang's port mapper", begin
        if self.postgres is not None:
            postgres = self.postgres

            def start() -> None:
                supervisor.start(["postgres"])
                _await("postgres", postgres.wait_ready, supervisor)

            yield "PostgreSQL", start

    def broker_answers(self, supervisor: Supervisor) -> Iterator[Step]:
        """Waits for a private RabbitMQ that was started."""
        if self.rabbitmq is not None:
            rabbitmq = self.rabbitmq
            yield "RabbitMQ", lambda: _await("rabbitmq", rabbitmq.wait_ready, supervisor)

    def database_password(self, service: str) -> str:
        """Of a service's role on the private server."""
        return self._secrets.password(f"database-{service}")

    def broker_password(self, user: str) -> str:
        """Of a service's or a cooperative's broker user."""
        return self._secrets.password(f"broker-{user}")

    def amqp_url(self, user: str) -> str:
        """The AMQP URL of a user on the broker in use."""
        given = urlsplit(self._amqp_url)
        host = f"{given.hostname}:{given.port or (5671 if given.scheme == 'amqps' else 5672)}"
        return given._replace(netloc=f"{user}:{self.broker_password(user)}@{host}").geturl()

    @property
    def vhost(self) -> str:
        """The virtual host in use."""
        return unquote(urlsplit(self._amqp_url).path.removeprefix("/")) or "/"

    def endpoints(self) -> Endpoints:
        """What the services' processes are told."""
        urls = dict(self.given.database_urls)
        if self.postgres is not None:
            for service in SERVICES:
                plain = self.postgres.url(service, self.database_password(service), service)
                urls.setdefault(service, plain.replace("postgresql://", "postgresql+psycopg://", 1))
        return Endpoints(
            database_urls=urls, amqp_urls={service: self.amqp_url(service) for service in SERVICES}
        )


def _await(name: str, wait: Callable[[Callable[[], bool]], None], supervisor: Supervisor) -> None:
    """Until a server answers, as `wait` finds it; StartError, with the end of its log, when it does not."""
    try:
        wait(lambda: supervisor.state(name).state in ("STARTING", "RUNNING"))
    except StartError as error:
        log = supervisor.log(name)
        raise StartError(f"{error}\n  end of {log}:\n{log_tail(log)}") from error
