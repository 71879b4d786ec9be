"""A gateway that ends has answered whoever could connect to it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn

from gateway import ending
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as catalogue
from tests.architecture.project import ROOT
from tests.gateway.conftest import running
from tests.support.polling import eventually

REQUEST = b"GET /api/v1/comuni HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"
REFUSE = """
import socket
from gateway.ending import refuse_connections

listening = socket.create_server(("127.0.0.1", 0))
begun = socket.create_connection(listening.getsockname(), timeout=5)
refuse_connections(listening)
try:
    socket.create_connection(listening.getsockname(), timeout=5).close()
except ConnectionRefusedError:
    print("refused")
begun.sendall(b"heard")
accepted, _ = listening.accept()
print(accepted.recv(5).decode())
"""


def ask(address: tuple[str, int]) -> str:
    """Over a connection of its own, as a proxy does; one that cannot be made could be made elsewhere."""
    connection = connected(address)
    return "refused" if connection is None else answer_of(connection)


def connected(address: tuple[str, int]) -> socket.socket | None:
    """None if it is refused."""
    try:
        return socket.create_connection(address, timeout=5)
    except ConnectionRefusedError:
        return None


def answer_of(connection: socket.socket) -> str:
    """The status line, or what became of the connection instead."""
    with connection:
        try:
            connection.sendall(REQUEST)
            answer = b""
            while part := connection.recv(65_536):
                answer += part
        except ConnectionError as error:
            return type(error).__name__
    return answer.partition(b"\r\n")[0].decode() or "nothing"


def told_while_it_ends(directory: Path) -> set[str]:
    """What those were told who asked a gateway all the time until it was no more."""
    told: Counter[str] = Counter()

    def load(address: tuple[str, int]) -> None:
        connection = connected(address)
        while connection is not None:
            with connection:
                following = connected(address)  # each is made some time before it asks, as a busy proxy's are
                told[answer_of(connection)] += 1
            connection = following

    with ThreadPoolExecutor(8) as pool:
        with running(directory, requests_per_minute=1_000_000) as edge:
            edge.services.answers["ListComuni"] = catalogue.ListComuniResponse()
            at = urlsplit(str(edge.client.base_url))
            assert at.hostname
            assert at.port
            loads = [pool.submit(load, (at.hostname, at.port)) for _ in range(8)]
            eventually(lambda: told.total() > 50)
        for each in loads:
            each.result()
    return set(told)


def test_no_request_is_lost_when_a_gateway_ends_under_load(tmp_path: Path) -> None:
    assert told_while_it_ends(tmp_path) == {"HTTP/1.1 200 OK"}


def test_a_process_without_privileges_refuses_new_connections_and_hears_those_begun() -> None:
    # The user that tests run as may be root; the gateway's has nothing.
    unprivileged = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*unprivileged, sys.executable, "-c", REFUSE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("refused\nheard\n", "")


def told_late(directory: Path) -> str:
    """What somebody is told who connected before the end had begun, and asked after it had."""
    with ThreadPoolExecutor(1) as pool:
        with running(directory) as edge:
            edge.services.answers["ListComuni"] = catalogue.ListComuniResponse()
            at = urlsplit(str(edge.client.base_url))
            address = (str(at.hostname), int(at.port or 0))
            connection = socket.create_connection(address, timeout=30)
            assert ask(address) == "HTTP/1.1 200 OK"  # who came before this one is accepted too

            def wait_and_ask() -> str:
                eventually(lambda: ask(address) == "refused")
                return answer_of(connection)

            told = pool.submit(wait_and_ask)
        return told.result()


def test_who_is_connected_may_ask_although_it_ends(tmp_path: Path) -> None:
    assert told_late(tmp_path) == "HTTP/1.1 200 OK"


def test_as_uvicorn_ends_he_would_not_be_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending.Server, "shutdown", uvicorn.Server.shutdown)
    assert told_late(tmp_path) != "HTTP/1.1 200 OK"


def test_who_asks_now_and_then_finds_the_connection_open(tmp_path: Path) -> None:
    """Who closes first must be the one who asks: what is asked meanwhile may not be heard."""
    longer_than_uvicorn_by_itself = 5.5
    again = REQUEST.replace(b"close", b"keep-alive")
    with running(tmp_path) as edge:
        edge.services.answers["ListComuni"] = catalogue.ListComuniResponse()
        at = urlsplit(str(edge.client.base_url))
        with socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=5) as connection:
            connection.sendall(again)
            assert connection.recv(65_536)
            connection.settimeout(longer_than_uvicorn_by_itself)
            with pytest.raises(TimeoutError):  # what would come is the end
                connection.recv(1)
            assert answer_of(connection) == "HTTP/1.1 200 OK"


def test_whoever_connects_and_never_asks_does_not_keep_it(tmp_path: Path) -> None:
    with running(tmp_path) as edge:
        at = urlsplit(str(edge.client.base_url))
        silent = socket.create_connection((str(at.hostname), int(at.port or 0)), timeout=30)
    with silent:
        assert silent.recv(1) == b""
