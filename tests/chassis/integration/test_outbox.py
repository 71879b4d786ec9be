"""Events written as part of a larger statement, and the purge of what has served its purpose."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from services.chassis.ids import new_id
from services.chassis.messaging import retention
from services.chassis.messaging.retention import Retention, purge
from tests.chassis.integration.conftest import TABLES, Probe
from tests.chassis.probe.events import event

SEATS = sa.table(
    "seats", sa.column("id", sa.Text), sa.column("free", sa.Integer), sa.column("version", sa.Integer)
)


@pytest.fixture
def seats(bare_probe: Probe) -> Probe:
    with bare_probe.database.transaction() as connection:
        connection.execute(sa.text("CREATE TABLE seats (id text, free int, version int)"))
        connection.execute(sa.text("INSERT INTO seats VALUES ('s', 1, 6)"))
    return bare_probe


def test_the_event_of_a_guarded_change_is_written_if_and_only_if_it_happened(seats: Probe) -> None:
    taken = (
        sa.update(SEATS)
        .where(SEATS.c.free > 0)
        .values(free=SEATS.c.free - 1, version=SEATS.c.version + 1)
        .returning(SEATS.c.id, SEATS.c.version)
        .cte("taken")
    )
    for expected in (1, 0):
        written = seats.outbox.insert_from(
            event(sequence=0), taken, sequence=taken.c.version, subject=taken.c.id
        )
        with seats.database.transaction() as connection:
            assert len(connection.execute(sa.select(taken.c.id).add_cte(written)).all()) == expected
    [row] = seats.rows("SELECT subject, sequence, type, data FROM outbox")
    assert (row.subject, row.sequence) == ("s", 7)


def test_identity_of_an_event_cannot_be_overridden(seats: Probe) -> None:
    source = sa.select(SEATS).cte()
    with pytest.raises(TypeError, match="event_id"):
        seats.outbox.insert_from(event(), source, event_id=source.c.id)


def test_events_of_another_service_are_refused(seats: Probe) -> None:
    with pytest.raises(ValueError, match="not an event of ambito/probe"):
        seats.outbox.values(replace(event(), type="ambito.other.thing.done.v1"))


def test_what_no_broker_would_take_is_refused_by_the_database(seats: Probe) -> None:
    with pytest.raises(exc.IntegrityError, match="outbox_data"), seats.database.transaction() as connection:
        seats.outbox.add(connection, replace(event(), data=b" " * (1 << 20) + b"x"))


def test_each_table_is_purged_after_its_own_time_and_nothing_unpublished_ever(
    bare_probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 2)
    bare_probe.commit(*(event(subject=str(number)) for number in range(7)))
    with bare_probe.database.transaction() as connection:
        connection.execute(sa.text("UPDATE outbox SET created_at = now() - interval '1 year'"))
        connection.execute(
            sa.text("UPDATE outbox SET published_at = now() - interval '3 days' WHERE subject < '5'")
        )
        for days in (1, 9):
            connection.execute(
                sa.insert(TABLES.inbox).values(
                    consumer="c", event_id=new_id(), received_at=sa.func.now() - timedelta(days=days)
                )
            )
            connection.execute(
                sa.insert(TABLES.idempotency).values(
                    actor="a",
                    key=str(days),
                    operation="o",
                    request_hash=b"",
                    created_at=sa.func.now() - timedelta(days=days),
                )
            )
    keep = Retention(outbox=timedelta(days=2), inbox=timedelta(days=10), idempotency=timedelta(days=5))
    with bare_probe.database.session() as connection:
        assert purge(connection, TABLES, keep) == 6
    assert [row.subject for row in bare_probe.rows("SELECT subject FROM outbox ORDER BY id")] == ["5", "6"]
    assert bare_probe.rows("SELECT count(*) FROM inbox")[0][0] == 2
    assert [row.key for row in bare_probe.rows("SELECT key FROM idempotency")] == ["1"]
