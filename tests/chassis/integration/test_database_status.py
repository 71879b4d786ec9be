"""`status`: what a service says of its database."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from tests.chassis.integration.conftest import Probe
from tests.chassis.probe.events import event


def status(probe: Probe) -> dict[str, object]:
    done = probe.command("status")
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def change(probe: Probe, statement: str) -> None:
    with probe.database.transaction() as connection:
        connection.execute(sa.text(statement))


def test_the_outbox_and_whether_migrations_are_missing(probe: Probe) -> None:
    same = {"database": "0001", "code": "0001", "agreement": "same"}
    assert status(probe) == {"migrations": same, "outbox": {"waiting": 0, "oldest_seconds": 0}}
    probe.commit(event())
    probe.commit(event())
    outbox = status(probe)["outbox"]
    assert isinstance(outbox, dict)
    assert outbox["waiting"] == 2
    assert outbox["oldest_seconds"] > 0
    change(probe, "UPDATE alembic_version SET version_num = '0099'")
    assert status(probe)["migrations"] == {"database": "0099", "code": "0001", "agreement": "ahead"}
    change(probe, "DROP TABLE alembic_version")
    assert status(probe) == {
        "migrations": {"database": None, "code": "0001", "agreement": "behind"},
        "outbox": None,
    }


def test_a_database_that_is_not_there_is_said_to_be_so(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "database_url", "postgresql+psycopg://a:secret-password@127.0.0.1:9/b")
    done = probe.command("status")
    assert done.returncode == 1
    assert done.stderr.startswith("the database does not answer: ")
    assert "secret-password" not in done.stderr
