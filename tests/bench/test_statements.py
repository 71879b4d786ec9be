"""What a service executes becomes a script that does the same."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

from services.chassis.database import Database
from tests.bench import pgbench
from tests.bench.scratch import Scratch
from tests.bench.statements import COUNT, FRESH_TEXT, Statement, as_script, recorded
from tests.support.postgres import Postgres

visit = sa.Table(
    "visit",
    sa.MetaData(),
    sa.Column("id", UUID, primary_key=True),
    sa.Column("key", sa.Text, unique=True),
    sa.Column("kind", sa.Text),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("hash", BYTEA),
    sa.Column("done", sa.Boolean),
    sa.Column("count", sa.Integer),
    sa.Column("facts", JSONB),
)


def script_of(sql: str, **parameters: Any) -> str:
    return as_script([[Statement(sql, parameters)]], {"k": ":given"}, beginning="").text


def test_values_become_expressions_constants_or_fresh() -> None:
    assert script_of("SELECT %(a)s, %(b)s, %(a)s", a="k", b="other") == "SELECT :given, :c0, :given;\n"
    assert script_of("SELECT %(a)s::UUID", a=uuid.uuid4()).count("to_hex(:n::integer)") == 1
    assert script_of("SELECT %(a)s", a=datetime.now(UTC)) == "SELECT now();\n"
    assert script_of("SELECT %(a)s, %(b)s", a=None, b="") == "SELECT NULL, '';\n"
    assert (
        script_of("SELECT %(a)s::TEXT[]", a=["k", None, "k"])
        == "SELECT ARRAY[:given, NULL, :given]::TEXT[];\n"
    )
    assert script_of("SELECT 5 %% 2\nWHERE true") == "SELECT 5 % 2 WHERE true;\n"


def test_a_colon_in_a_literal_is_no_variable() -> None:
    script = script_of("SELECT to_char(%(a)s, 'HH24:MI:SS'), ':', 'x', %(a)s::DATE, ''", a=datetime.now(UTC))
    assert script == "SELECT to_char(now(), U&'HH24\\003AMI\\003ASS'), U&'\\003A', 'x', now()::DATE, '';\n"


def test_the_same_id_stays_the_same_and_others_differ() -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    script = script_of("%(a)s#%(b)s#%(c)s", a=one, b=one, c=other)
    first, second, third = script.removesuffix(";\n").split("#")
    assert first == second != third


def test_true_is_not_one() -> None:
    script = as_script([[Statement("SELECT %(a)s, %(b)s", {"a": 1, "b": True})]], {}, beginning="")
    assert script.constants == {"c0": "1", "c1": "true"}


def test_only_a_transaction_of_several_statements_needs_its_own_commit() -> None:
    two = [[Statement("SELECT 1", {}), Statement("SELECT 2", {})], [Statement("SELECT 3", {})]]
    assert as_script(two, {}, beginning="").text == "BEGIN;\nSELECT 1;\nSELECT 2;\nCOMMIT;\nSELECT 3;\n"


@pytest.fixture
def database(postgres: Postgres) -> Any:
    url = postgres.create_database("bench")
    database = Database(url, pool_size=1)
    with database.transaction() as connection:
        visit.metadata.create_all(connection)
    yield database
    database.dispose()
    postgres.drop_database(url)


def test_pgbench_does_on_a_copy_what_was_recorded(postgres: Postgres, database: Database) -> None:
    source = database.engine.url.database
    assert source is not None
    values = {
        "id": uuid.uuid4(),
        "key": "the key",
        "kind": 'YYYY-MM-DD"T"HH24:MI:SS',  # nothing in it is a variable of pgbench
        "at": datetime.now(UTC),
        "hash": b"\x00\xff",
        "done": True,
        "count": 1,
        "facts": {"at": "9:00"},
    }
    with recorded(database) as transactions, database.transaction() as connection:
        connection.execute(sa.insert(visit).values(values))
    copy = Scratch(postgres.admin_url, source)
    try:
        assert copy.count("visit") == 1
        script = as_script(transactions, {"the key": FRESH_TEXT}, beginning=COUNT)
        outcome = pgbench.run(copy.url, [script], seconds=1, clients=4, variables={"n": 1000})
        assert copy.count("visit") == outcome.runs + 1
        made = Database(copy.sqlalchemy_url, pool_size=1)
        with made.read() as connection:
            alike = sa.select(
                visit.c.kind, visit.c.hash, visit.c.done, visit.c.count, visit.c.facts
            ).distinct()
            found = connection.execute(alike).all()
            assert found == [(values["kind"], b"\x00\xff", True, 1, values["facts"])]
        made.dispose()
        with database.read() as connection:  # the original was left alone
            assert connection.scalar(sa.select(sa.func.count()).select_from(visit)) == 1
        with pytest.raises(RuntimeError, match="pgbench failed"):  # the same ids again
            pgbench.run(copy.url, [script], seconds=1, clients=4, variables={"n": 1000})
    finally:
        copy.close()


def test_targets_are_numbered_from_zero(postgres: Postgres, database: Database) -> None:
    assert database.engine.url.database is not None
    copy = Scratch(postgres.admin_url, database.engine.url.database)
    try:
        copy.add_targets(["person", "slot"], [["p0", "s0"], ["p1", "s1"]])
        assert copy.count("bench_target") == 2
        made = Database(copy.sqlalchemy_url, pool_size=1)
        with made.read() as connection:
            rows = connection.exec_driver_sql("SELECT k, person, slot FROM bench_target ORDER BY k").all()
        made.dispose()
        assert rows == [(0, "p0", "s0"), (1, "p1", "s1")]
    finally:
        copy.close()
