"""What the watch tells, seen against a real server with a certificate, a real database, and directories."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from deploy.containers.certificate import make_certificate
from deploy.local.ports import free_port
from deploy.observability import watch
from tests.support.postgres import Postgres


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """Something that serves TLS with a certificate that nobody has signed, for as long as the test lasts."""
    make_certificate(tmp_path, ["localhost"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def serve() -> None:
            connection, _ = listening.accept()
            with context.wrap_socket(connection, server_side=True):
                pass

        server = threading.Thread(target=serve)
        server.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.join()


def test_the_end_of_the_certificate_that_is_served_is_told(endpoint: str) -> None:
    watch.look_at_certificates([endpoint])
    ends = metric("certificate_expires_timestamp_seconds", endpoint=endpoint)
    assert ends is not None
    assert timedelta(days=89) < datetime.fromtimestamp(ends, UTC) - datetime.now(UTC) < timedelta(days=91)


def test_of_an_endpoint_that_is_not_there_nothing_is_told() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    watch._expires.labels(nobody).set(1)
    watch.look_at_certificates([nobody, "no-such-host.invalid:443"])
    assert metric("certificate_expires_timestamp_seconds", endpoint=nobody) is None


def test_the_newest_backup_counts_and_what_is_no_backup_does_not(tmp_path: Path) -> None:
    missing, kept = tmp_path / "missing", tmp_path / "kept"
    watch.look_at_backups(missing)
    assert metric("backup_newest_timestamp_seconds", directory=str(missing)) == 0
    for name in ("20260103T040506Z", "20260102T040506Z", ".20260909T000000Z.unfinished", "notes"):
        (kept / name).mkdir(parents=True)
    watch.look_at_backups(kept)
    begun = datetime(2026, 1, 3, 4, 5, 6, tzinfo=UTC).timestamp()
    assert metric("backup_newest_timestamp_seconds", directory=str(kept)) == begun


def test_postgres_is_told_to_be_there_and_to_be_gone(postgres: Postgres) -> None:
    watch.look_at_postgres(postgres.admin_url)
    assert metric("postgres_up", server="postgres") == 1
    taken = metric("postgres_connections", server="postgres")
    limit = metric("postgres_connections_limit", server="postgres")
    assert taken is not None
    assert limit is not None
    assert 1 <= taken < limit
    watch.look_at_postgres(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    assert metric("postgres_up", server="postgres") == 0


def test_a_watch_tells_nothing_of_what_it_does_not_look_at() -> None:
    program = (
        "from prometheus_client import generate_latest\n"
        "from deploy.observability import watch\n"
        "print(generate_latest().decode())"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    values = [
        line for line in told.stdout.splitlines() if line.startswith(("postgres", "backup", "certificate"))
    ]
    assert values == []
