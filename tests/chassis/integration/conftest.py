"""The probe, a service of nothing but chassis, on a real database and a real broker."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from deploy.local.ports import free_port
from services.chassis import locks
from services.chassis.database import Database
from services.chassis.messaging.connection import connect
from services.chassis.messaging.envelope import to_message
from services.chassis.messaging.event import Event
from services.chassis.messaging.outbox import Outbox
from services.chassis.messaging.publisher import ConfirmingPublisher
from services.chassis.messaging.tables import messaging_tables
from services.chassis.messaging.topology import Names, SubscriberQueue, Topology, build
from services.chassis.messaging.topology_apply import apply
from services.chassis.migrations import migrate
from tests.chassis.probe.bootstrap import SERVICE
from tests.chassis.probe.worker import GATE
from tests.support.broker import Broker, Vhost
from tests.support.polling import PATIENCE_SECONDS, eventually
from tests.support.postgres import Postgres

ROOT = Path(__file__).parents[3]
PASSWORD = "probe-password"
DELAYS_MS = (200, 300, 400, 500)
NAMES = Names("probe")
OUTSIDE = SubscriberQueue("reader.aurora", "reader-aurora", ((NAMES.public_exchange, "*.*.*.aurora"),))
TABLES = messaging_tables(sa.MetaData())


@dataclass
class Process:
    """One running process of the probe."""

    popen: subprocess.Popen[bytes]
    log: Path
    ops_port: int

    @property
    def output(self) -> str:
        return self.log.read_text()

    def is_running(self) -> bool:
        return self.popen.poll() is None

    def terminate(self) -> int:
        """SIGTERM, and its exit status."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(PATIENCE_SECONDS)

    def metric(self, name: str) -> float | None:
        """A sample of the process's metrics, by name and labels as exposed."""
        text = httpx.get(f"http://127.0.0.1:{self.ops_port}/metrics", trust_env=False).text
        values = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(values[0]) if values else None

    def health(self) -> int:
        return httpx.get(f"http://127.0.0.1:{self.ops_port}/health", trust_env=False).status_code

    def wait_for(self, text: str) -> None:
        def found() -> bool:
            assert self.is_running() or text in self.output, self.output
            return text in self.output

        eventually(found)


@dataclass
class Probe:
    """The probe's database and broker, and the processes started on them."""

    database_url: str
    amqp_url: str
    vhost: Vhost
    directory: Path
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = Database(self.database_url, application_name="test", statement_timeout_ms=60_000)
        self.outbox = Outbox(TABLES, "ambito/probe")

    def start(self, command: str, **environment: str) -> Process:
        number = len(self.processes)
        log = self.directory / f"{number}-{command}.log"
        port = free_port()
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, "-m", "tests.chassis.probe", command],
                cwd=ROOT,
                env=self.environment() | {"OPS_BIND": f"127.0.0.1:{port}"} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(Process(popen, log, port))
        return self.processes[-1]

    def start_relay(self, **environment: str) -> Process:
        relay = self.start("relay", **environment)
        relay.wait_for('"event": "publishing"')
        return relay

    def start_worker(self, **environment: str) -> Process:
        worker = self.start("worker", **environment)
        worker.wait_for('"event": "consuming"')
        return worker

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.chassis.probe", *arguments],
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self.database_url,
            "AMQP_URL": self.amqp_url,
            "BROKER_WAIT_SECONDS": "5",
            "LOCK_TIMEOUT_MS": "60000",
            "STATEMENT_TIMEOUT_MS": "60000",
            "RELAY_RETRY_MAXIMUM_SECONDS": "0.5",
        }

    def commit(self, *events: Event) -> None:
        with self.database.transaction() as connection:
            self.outbox.add(connection, *events)

    def publish(self, *events: Event) -> None:
        """Publish as the relay would."""
        publisher = ConfirmingPublisher(self.vhost.amqp_url)
        assert publisher.publish([to_message(self.outbox.values(event), "probe") for event in events]) == {}
        publisher.close()

    @contextmanager
    def gate(self) -> Iterator[None]:
        """While it is held, handlers of events with `gate` wait."""
        with self.database.engine.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:gate)"), {"gate": GATE})
            yield

    def rows(self, statement: str, **parameters: object) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(sa.text(statement), parameters))

    def end_sessions(self, application: str) -> None:
        """End what the database still does for a process that was killed: it would notice only later."""
        ours = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = :application"
        self.rows(f"SELECT pg_terminate_backend(pid) {ours}", application=application)
        eventually(lambda: not self.rows(f"SELECT 1 {ours}", application=application))

    def unpublished(self) -> int:
        return int(self.rows("SELECT count(*) FROM outbox WHERE published_at IS NULL")[0][0])

    def effects(self, event: Event) -> int:
        return int(self.rows("SELECT count(*) FROM effect WHERE event_id = :id", id=event.id)[0][0])

    def tries(self, event: Event) -> int:
        return int(self.rows("SELECT count(*) FROM tries WHERE event_id = :id", id=event.id)[0][0])

    def depth(self, queue: str) -> int:
        """How many messages wait in a queue, asked of the queue itself."""
        connection = connect(self.vhost.amqp_url, timeout_seconds=5, name="test")
        try:
            return int(connection.channel().queue_declare(queue, passive=True).message_count)
        finally:
            connection.collect()

    def take(self, queue: str, url: str | None = None) -> list[Any]:
        """Take every message out of a queue."""
        connection = connect(url or self.vhost.amqp_url, timeout_seconds=5, name="test")
        try:
            channel = connection.channel()
            taken = []
            while (message := channel.basic_get(queue, no_ack=False)) is not None:
                channel.basic_ack(message.delivery_tag)
                taken.append(message)
            channel.close()
            return taken
        finally:
            connection.collect()

    def publisher(self) -> ConfirmingPublisher:
        return ConfirmingPublisher(self.vhost.amqp_url)

    def apply_topology(self, topology: Topology | None = None, *, keep_bindings: bool = False) -> None:
        with self.management() as management:
            apply(
                topology or build({"probe": SERVICE.consumes}, [OUTSIDE], retry_delays_ms=DELAYS_MS),
                management,
                self.vhost.name,
                {"probe": PASSWORD, "other": PASSWORD, OUTSIDE.user: PASSWORD},
                keep_bindings=keep_bindings,
            )

    def management(self) -> httpx.Client:
        return httpx.Client(base_url=self.vhost.management_url, timeout=30, trust_env=False)

    def bind(self, exchange: str, queue: str, routing_key: str) -> None:
        with self.management() as client:
            path = f"/api/bindings/{self.vhost.name}/e/{exchange}/q/{queue}"
            client.post(path, json={"routing_key": routing_key}).raise_for_status()

    @contextmanager
    def policy(self, queue: str, definition: dict[str, object]) -> Iterator[None]:
        """Another policy for a queue, for a while."""
        path = f"/api/policies/{self.vhost.name}/override"
        body = {"pattern": f"^{queue}$", "definition": definition, "priority": 9, "apply-to": "queues"}
        with self.management() as client:
            client.put(path, json=body).raise_for_status()
            yield
            client.delete(path).raise_for_status()

    def holds(self, lock: str) -> bool:
        """Whether some session holds an advisory lock of the chassis."""
        return bool(
            self.rows(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
                " AND objid = CAST(CAST(:key AS bigint) AS oid)"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                key=locks.key(lock)[1] % 2**32,
            )
        )

    def url_of(self, user: str) -> str:
        """The broker's URL for a user made by the topology."""
        at = urlsplit(self.vhost.amqp_url)
        return f"amqp://{user}:{PASSWORD}@{at.hostname}:{at.port}/{quote(self.vhost.name, safe='')}"

    def close(self) -> None:
        for process in self.processes:
            if process.is_running():
                process.kill()
            print(f"--- {process.log.name}\n{process.output[-5_000:]}")  # noqa: T201 - shown when a test fails
        self.database.dispose()


@pytest.fixture(scope="session")
def probe_template(postgres: Postgres) -> str:
    url = postgres.create_database("probe")
    migrate(url, SERVICE.migrations)
    return url


@pytest.fixture
def bare_probe(postgres: Postgres, probe_template: str, vhost: Vhost, tmp_path: Path) -> Iterator[Probe]:
    """The probe on a broker that holds nothing yet."""
    url = postgres.copy_database(probe_template)
    made = Probe(url, vhost.amqp_url, vhost, tmp_path)
    made.amqp_url = made.url_of("probe")
    yield made
    made.close()
    postgres.drop_database(url)


@pytest.fixture
def probe(bare_probe: Probe) -> Probe:
    """The probe on a broker with its topology."""
    bare_probe.apply_topology()
    return bare_probe


@pytest.fixture
def stopped_broker(broker: Broker) -> Iterator[Callable[[], None]]:
    """Call it to stop the broker; it runs again after the test."""
    yield broker.stop
    broker.start()
