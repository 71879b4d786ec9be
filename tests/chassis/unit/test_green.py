"""A worker that waits for a name goes on with everything else: heartbeats are due meanwhile."""

import pytest

from tests.support.fresh_process import said_by

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
    assert "nobody knows" in said_by(code)
