"""In a worker, whoever waits for PostgreSQL keeps nobody else from working."""

import json
from typing import Any

import pytest

from tests.support.fresh_process import said_by
from tests.support.postgres import Postgres

_BESIDE = """
import sys, json
from services.chassis import green
green.patch()
import eventlet, psycopg
from psycopg import waiting
assert waiting.wait.__module__ == "services.chassis.green_waiting"
connection = psycopg.connect(sys.argv[1], autocommit=True)
turns = []

def turn():
    while True:
        turns.append(1)
        eventlet.sleep(0)

def said(*values):
    print(json.dumps(values))

"""


def beside(postgres: Postgres, code: str) -> Any:
    """What `code` says, run as a worker runs: `connection` is open, `turn` is a greenlet that only counts."""
    return json.loads(said_by(_BESIDE + code, postgres.admin_url))


def test_others_work_while_a_statement_runs(postgres: Postgres) -> None:
    code = """
other = eventlet.spawn(turn)
value = connection.execute("SELECT 7 FROM pg_sleep(0.35)").fetchone()[0]
said(value, len(turns))
"""
    value, turns = beside(postgres, code)
    assert value == 7
    assert turns > 1


def test_what_no_socket_takes_at_once_goes_and_comes(postgres: Postgres) -> None:
    """Sixteen megabytes each way: PostgreSQL answers before it has read everything."""
    code = """
other = eventlet.spawn(turn)
text = "è" * 8_000_000
said(connection.execute("SELECT %s::text", [text]).fetchone()[0] == text, len(turns))
"""
    same, turns = beside(postgres, code)
    assert same
    assert turns > 1


def test_a_notification_is_waited_for_as_long_as_wanted(postgres: Postgres) -> None:
    code = """
connection.execute("LISTEN news")
none = [each.payload for each in connection.notifies(timeout=0.25, stop_after=1)]
teller = psycopg.connect(sys.argv[1], autocommit=True)
eventlet.spawn_after(0.25, teller.execute, "NOTIFY news, 'it is here'")
said(none, [each.payload for each in connection.notifies(timeout=20, stop_after=1)])
"""
    assert beside(postgres, code) == [[], ["it is here"]]


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("other.execute('SELECT pg_terminate_backend(%s)', [connection.info.backend_pid])", "AdminShutdown"),
        ("original('socket').socket(fileno=os.dup(connection.fileno())).shutdown(2)", "OperationalError"),
    ],
    ids=["terminated", "cut"],
)
def test_who_waits_on_a_connection_that_is_lost_hears_of_it(postgres: Postgres, how: str, error: str) -> None:
    code = f"""
import os
from eventlet.patcher import original
other = psycopg.connect(sys.argv[1], autocommit=True)
eventlet.spawn_after(0.25, lambda: {how})
try:
    connection.execute("SELECT pg_sleep(30)")
except psycopg.Error as error:
    said(type(error).__name__)
"""
    assert beside(postgres, code) == [error]


def test_statements_on_many_connections_run_beside_each_other(postgres: Postgres) -> None:
    """Seven wait for what the eighth holds until all of them wait."""
    code = """
connections = [psycopg.connect(sys.argv[1], autocommit=True) for _ in range(7)]
connection.execute("SELECT pg_advisory_lock(1)")
def asked(number):
    connections[number].execute("SELECT pg_advisory_xact_lock_shared(1)")
    return number
waiting = [eventlet.spawn(asked, number) for number in range(7)]
count = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND NOT granted"
while connection.execute(count).fetchone()[0] < 7:
    eventlet.sleep(0)
connection.execute("SELECT pg_advisory_unlock(1)")
said(*(each.wait() for each in waiting))
"""
    assert beside(postgres, code) == list(range(7))
