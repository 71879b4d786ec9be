"""The private PostgreSQL and RabbitMQ that `make up` and the tests run."""

from collections import defaultdict
from pathlib import Path

import httpx
import psycopg
import pytest
from kombu.connection import Connection
from kombu.entity import Queue

from tests.support.broker import Broker, Vhost
from tests.support.polling import eventually
from tests.support.postgres import Postgres


def libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


LOOPBACK = {"0100007F", "00000000000000000000000001000000"}  # 127.0.0.1 and ::1, as the kernel prints them


def listening() -> dict[int, set[str]]:
    """Listening TCP ports with the addresses they are bound to."""
    found: dict[int, set[str]] = defaultdict(set)
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == "0A":
                address, port = local.split(":")
                found[int(port, 16)].add(address)
    return found


def owner_of(pid: int) -> str:
    return Path(f"/proc/{pid}").owner()


def test_postgres_runs_as_an_ordinary_user_and_demands_passwords(postgres: Postgres) -> None:
    assert owner_of(postgres._run.pid) != "root"
    wrong = postgres.server.url("ambito_admin", "wrong", "postgres")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_a_service_cannot_connect_to_anothers_database(postgres: Postgres) -> None:
    own, other = postgres.create_database("vouchers"), postgres.create_database("identity")
    with psycopg.connect(libpq(own)) as connection:
        connection.execute("CREATE TABLE proof (n int)")
    for database in (other.rsplit("/", 1)[1], "postgres", "template1"):
        foreign = libpq(own).rsplit("/", 1)[0] + "/" + database
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(foreign)


def test_a_copied_database_belongs_to_the_same_role(postgres: Postgres) -> None:
    template = postgres.create_database("template")
    with psycopg.connect(libpq(template)) as connection:
        connection.execute("CREATE TABLE migrated (n int)")
    copy = postgres.copy_database(template)
    with psycopg.connect(libpq(copy)) as connection:
        connection.execute("ALTER TABLE migrated ADD COLUMN m int")
    postgres.drop_database(copy)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(libpq(copy))


def test_the_broker_knows_no_guest_and_runs_as_an_ordinary_user(broker: Broker) -> None:
    assert owner_of(broker._node.pid) != "root"
    with broker.management() as client:
        names = {user["name"] for user in client.get("/api/users").json()}
        guest = client.get("/api/overview", auth=("guest", "guest"))
    assert "ambito-admin" in names
    assert "guest" not in names
    assert guest.status_code == httpx.codes.UNAUTHORIZED


def test_a_vhost_takes_quorum_queues(vhost: Vhost) -> None:
    with Connection(vhost.amqp_url) as connection:
        channel = connection.channel()
        queue = Queue("proof", durable=True, queue_arguments={"x-queue-type": "quorum"})(channel)
        queue.declare()
        with connection.Producer(channel) as producer:
            producer.publish("kept", routing_key="proof", delivery_mode=2)
        message = eventually(lambda: queue.get(no_ack=True))
        assert message.payload == "kept"


def test_servers_listen_on_the_loopback_address_only(postgres: Postgres, broker: Broker) -> None:
    ports = {postgres.server.port, *vars(broker.server.ports).values()}
    addresses = {port: found for port, found in listening().items() if port in ports}
    assert set(addresses) == ports
    assert set().union(*addresses.values()) <= LOOPBACK
