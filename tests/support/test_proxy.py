"""The proxy passes, stalls and cuts what it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.proxy import Proxy


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """In front of a server that sends everything back."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    made = Proxy(lambda: int(server.getsockname()[1]))
    yield made
    made.close()
    server.close()


def echo(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        while data := connection.recv(1024):
            connection.sendall(data)


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def test_everything_gets_through(proxy: Proxy) -> None:
    with connected(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(1024) == b"hello"


def test_what_stalls_comes_later(proxy: Proxy) -> None:
    with connected(proxy) as client:
        client.sendall(b"one")
        assert client.recv(1024) == b"one"
        proxy.stall()
        client.sendall(b"two")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1024)
        proxy.heal()
        client.settimeout(5)
        assert client.recv(1024) == b"two"


def test_connections_are_cut_old_and_new_until_it_heals(proxy: Proxy) -> None:
    with connected(proxy) as client:
        client.sendall(b"one")
        assert client.recv(1024) == b"one"
        proxy.reset()
        with pytest.raises(ConnectionError):
            client.recv(1024)
    with pytest.raises(ConnectionError), connected(proxy) as client:  # cut already, or when one listens
        client.recv(1024)
    proxy.heal()
    with connected(proxy) as client:
        client.sendall(b"three")
        assert client.recv(1024) == b"three"
