"""`/status` of a running process: what it says of its service's database."""

from __future__ import annotations

from typing import Any

import httpx
import sqlalchemy as sa

from tests.chassis.integration.conftest import Probe, Process
from tests.chassis.probe.events import event

SAME = {"database": "0001", "code": "0001", "agreement": "same"}


def status(process: Process, expected: int = 200) -> Any:
    answer = httpx.get(f"http://127.0.0.1:{process.ops_port}/status", timeout=30, trust_env=False)
    assert answer.status_code == expected, answer.text
    return answer.json()


def change(probe: Probe, statement: str) -> None:
    with probe.database.transaction() as connection:
        connection.execute(sa.text(statement))


def test_the_outbox_and_whether_migrations_are_missing(probe: Probe) -> None:
    worker = probe.start_worker()
    assert status(worker) == {"migrations": SAME, "outbox": {"waiting": 0, "oldest_seconds": 0}}
    probe.commit(event())
    probe.commit(event())
    outbox = status(worker)["outbox"]
    assert outbox["waiting"] == 2
    assert outbox["oldest_seconds"] > 0
    change(probe, "UPDATE alembic_version SET version_num = '0099'")
    assert status(worker)["migrations"] == {"database": "0099", "code": "0001", "agreement": "ahead"}
    change(probe, "DROP TABLE alembic_version")
    assert status(worker) == {
        "migrations": {"database": None, "code": "0001", "agreement": "behind"},
        "outbox": None,
    }


def test_a_relay_tells_it_too(probe: Probe) -> None:
    assert status(probe.start_relay())["migrations"] == SAME


def test_a_database_that_is_not_there_is_said_to_be_so(probe: Probe) -> None:
    relay = probe.start("relay", DATABASE_URL="postgresql+psycopg://a:secret-password@127.0.0.1:9/b")
    relay.wait_for("database unavailable")
    error = status(relay, expected=503)["error"]
    assert error.startswith("the database does not answer: ")
    assert "secret-password" not in error
