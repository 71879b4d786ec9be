"""`python -m deploy.observability.watch`: what nobody else tells Prometheus, on port 9100.

WATCH_DATABASE_URL_FILE: whether PostgreSQL answers, and how many of its connections are taken. WATCH_TLS
(host:port,…): until when the certificates are valid that are really served; an endpoint that is not there is
not told of. WATCH_BACKUPS: a directory of backups, and when the newest was begun. What is not set is not
watched.
"""

from __future__ import annotations

import os
import re
import signal
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from cryptography import x509
from prometheus_client import Gauge

from services.chassis import logs, ops

EVERY_SECONDS: Final = float(os.environ.get("WATCH_EVERY_SECONDS", "10"))
TIMEOUT_SECONDS: Final = 3
_SERVER: Final = "postgres"
_BACKUP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_BACKUP_TIME: Final = "%Y%m%dT%H%M%SZ"

# With labels, so that a watch says nothing of what it does not look at: without, each would begin with 0.
_up = Gauge("postgres_up", "1 while PostgreSQL answers", ["server"])
_connections = Gauge("postgres_connections", "Connections of clients", ["server"])
_limit = Gauge(
    "postgres_connections_limit", "How many there may be, without those kept for administrators", ["server"]
)
_expires = Gauge("certificate_expires_timestamp_seconds", "End of the certificate, Unix time", ["endpoint"])
_newest = Gauge(
    "backup_newest_timestamp_seconds",
    "When the newest backup was begun, Unix time; 0: there is none",
    ["directory"],
)

_log = logs.get_logger(__name__)


def look_at_postgres(url: str) -> None:
    """One connection for each look: that one can be made is what counts."""
    try:
        with psycopg.connect(url, connect_timeout=TIMEOUT_SECONDS, autocommit=True) as connection:
            connection.execute(f"SET statement_timeout = '{TIMEOUT_SECONDS}s'")
            row = connection.execute(
                "SELECT count(*) FILTER (WHERE backend_type = 'client backend'),"
                " current_setting('max_connections')::int"
                " - current_setting('superuser_reserved_connections')::int FROM pg_stat_activity"
            ).fetchone()
    except psycopg.Error as error:
        _up.labels(_SERVER).set(0)
        _log.warning("PostgreSQL does not answer", cause=type(error).__name__)
        return
    _up.labels(_SERVER).set(1)
    if row is not None:
        _connections.labels(_SERVER).set(row[0])
        _limit.labels(_SERVER).set(row[1])


def look_at_certificates(endpoints: Iterable[str]) -> None:
    """Whoever signed them: a certificate that nobody trusts ends too."""
    for endpoint in endpoints:
        host, _, port = endpoint.rpartition(":")
        try:
            pem = ssl.get_server_certificate((host, int(port)), timeout=TIMEOUT_SECONDS)
        except OSError:  # no such host, or nothing listens: there is no TLS here
            with suppress(KeyError):
                _expires.remove(endpoint)
            continue
        certificate = x509.load_pem_x509_certificate(pem.encode())
        _expires.labels(endpoint).set(certificate.not_valid_after_utc.timestamp())


def look_at_backups(directory: Path) -> None:
    """A backup has its name only when it is complete."""
    names = [each.name for each in directory.iterdir()] if directory.is_dir() else []
    begun = [
        datetime.strptime(name, _BACKUP_TIME).replace(tzinfo=UTC).timestamp()
        for name in names
        if _BACKUP.fullmatch(name)
    ]
    _newest.labels(str(directory)).set(max(begun, default=0.0))


def main() -> None:
    """Looks every WATCH_EVERY_SECONDS (10) until SIGTERM or SIGINT; what hangs holds up nothing else."""
    logs.configure("watch", "watch")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    looks: list[Callable[[], None]] = []
    if file := os.environ.get("WATCH_DATABASE_URL_FILE"):
        url = Path(file).read_text().strip()
        looks.append(lambda: look_at_postgres(url))
    if endpoints := os.environ.get("WATCH_TLS"):
        looks.append(lambda: look_at_certificates(endpoints.split(",")))
    if directory := os.environ.get("WATCH_BACKUPS"):
        looks.append(lambda: look_at_backups(Path(directory)))

    def keep(look: Callable[[], None]) -> None:
        while not stopping.is_set():
            try:
                look()
            except Exception:  # noqa: BLE001 - logged; the next look may go well
                _log.exception("look failed")
            stopping.wait(EVERY_SECONDS)

    for look in looks:
        threading.Thread(target=keep, args=(look,), daemon=True).start()
    operations = ops.serve(os.environ.get("OPS_BIND", "0.0.0.0:9100"), {})
    stopping.wait()
    operations.stop()


if __name__ == "__main__":
    main()
