"""A worker that waits for a name goes on with everything else: heartbeats are due meanwhile."""

import subprocess
import sys

import pytest

from tests.architecture.project import ROOT

LOOK_UP_ENDS_WHEN_ANOTHER_GREENLET_RUNS = """
import socket
from os import pipe, read, write

reading, writing = pipe()

def look_up(*arguments, **named):
    read(reading, 1)
    raise socket.gaierror(socket.EAI_AGAIN, "nobody knows")

socket.getaddrinfo = look_up
from services.chassis import green
green.patch()
import eventlet
eventlet.spawn_after(0, write, writing, b"x")
try:
    {connect}
except {error} as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("connect", "error"),
    [
        ("socket.create_connection(('server.invalid', 1))", "OSError"),
        ("import psycopg; psycopg.connect('host=server.invalid')", "psycopg.OperationalError"),
        ("from amqp import Connection; Connection('server.invalid:1').connect()", "OSError"),
    ],
)
def test_a_name_is_looked_up_beside_everything_else(connect: str, error: str) -> None:
    code = LOOK_UP_ENDS_WHEN_ANOTHER_GREENLET_RUNS.format(connect=connect, error=error)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "nobody knows" in done.stdout
