"""PostgreSQL: away, crashed, its connections terminated or all taken, its rows locked, its disk full."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from deploy.local.environment import SERVICES
from tests.faults.fault import Fault
from tests.faults.site import Site

DATABASE = "postgres"
_BACK_SECONDS = 60.0
_TABLES = {
    "catalogue": ("booking", "slot", "outbox", "idempotency"),
    "vouchers": ("hold", "voucher", "ledger_entry", "inbox", "outbox"),
    "identity": ("person", "session", "outbox"),
    "notifications": ("feed_event", "inbox", "email", "message", "webhook_delivery", "webhook_endpoint"),
}
_FULL = """
CREATE FUNCTION faults_disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER faults_disk_full BEFORE INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION faults_disk_full()
"""


def wait_until_up(site: Site) -> None:
    """Return when the server takes connections."""
    deadline = time.monotonic() + _BACK_SECONDS
    while True:
        try:
            site.administer().close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def stopped(site: Site, _chance: random.Random) -> Iterator[None]:
    site.instance.stop(DATABASE)
    try:
        yield
    finally:
        site.instance.start(DATABASE)
        wait_until_up(site)


@contextmanager
def crashed(site: Site, _chance: random.Random) -> Iterator[None]:
    """SIGQUIT: without a checkpoint, so that it recovers from its log."""
    site.instance.kill(DATABASE, signal.SIGQUIT)
    yield
    wait_until_up(site)


@contextmanager
def connections_terminated(site: Site, chance: random.Random) -> Iterator[None]:
    with site.administer() as connection:
        _terminate(connection, chance.choice(SERVICES))
    yield


@contextmanager
def no_connection_left(site: Site, chance: random.Random) -> Iterator[None]:
    """Those of a service are gone, and others have taken all there are."""
    service = chance.choice(SERVICES)
    limit = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}")
    with site.administer() as connection:
        connection.execute(limit.format(sql.Identifier(service), sql.Literal(0)))
        _terminate(connection, service)
    try:
        yield
    finally:
        with site.administer() as connection:
            connection.execute(limit.format(sql.Identifier(service), sql.Literal(-1)))


@contextmanager
def locked(site: Site, chance: random.Random) -> Iterator[None]:
    """Nobody can read or write a table: some wait, and some have waited too long."""
    service = chance.choice(SERVICES)
    table = chance.choice(_TABLES[service])
    with site.administer(service) as connection, connection.transaction():
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
        yield


@contextmanager
def read_only(site: Site, chance: random.Random) -> Iterator[None]:
    """As after a failover to a standby, until the primary is back; nobody's connection is closed for it."""
    service = chance.choice(SERVICES)
    name = sql.Identifier(service)
    with site.administer() as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        _terminate(connection, service)
    try:
        yield
    finally:
        with site.administer() as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))


@contextmanager
def disk_full(site: Site, chance: random.Random) -> Iterator[None]:
    """No event can be written, hence nothing that has one."""
    service = chance.choice(SERVICES)
    with site.administer(service) as connection:
        connection.execute(_FULL)
    try:
        yield
    finally:
        with site.administer(service) as connection, suppress(psycopg.errors.UndefinedFunction):
            connection.execute("DROP FUNCTION faults_disk_full CASCADE")


def _terminate(connection: psycopg.Connection[TupleRow], service: str) -> None:
    """All connections to the service's database."""
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [service])


_PARTS = frozenset({DATABASE})
FAULTS = (
    Fault("PostgreSQL stopped", stopped, _PARTS, (0.2, 3.0), heavy=True),
    Fault("PostgreSQL crashed", crashed, _PARTS, heavy=True),
    Fault("PostgreSQL's connections terminated", connections_terminated, _PARTS),
    Fault("PostgreSQL has no connection left", no_connection_left, _PARTS, (1.0, 4.0)),
    Fault("a table locked", locked, _PARTS, (2.0, 4.5)),
    Fault("PostgreSQL read-only", read_only, _PARTS, (1.0, 4.0)),
    Fault("the disk full", disk_full, _PARTS, (1.0, 3.0)),
)
