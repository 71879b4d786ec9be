"""A gateway that ends has answered whoever could connect to it."""

from __future__ import annotations

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as catalogue
from tests.gateway.conftest import running
from tests.support.polling import eventually

REQUEST = b"GET /api/v1/comuni HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"


def ask(address: tuple[str, int]) -> str:
    """Over a connection of its own, as a proxy does; one that cannot be made could be made elsewhere."""
    try:
        connection = socket.create_connection(address, timeout=5)
    except ConnectionRefusedError:
        return "refused"
    with connection:
        try:
            connection.sendall(REQUEST)
            answer = b""
            while part := connection.recv(65_536):
                answer += part
        except ConnectionError as error:
            return type(error).__name__
    return answer.partition(b"\r\n")[0].decode() or "nothing"


def test_no_request_is_lost_when_a_gateway_ends_under_load(tmp_path: Path) -> None:
    told: Counter[str] = Counter()

    def load(address: tuple[str, int]) -> None:
        while (answer := ask(address)) != "refused":
            told[answer] += 1

    with ThreadPoolExecutor(8) as pool:
        with running(tmp_path, requests_per_minute=1_000_000) as edge:
            edge.services.answers["ListComuni"] = catalogue.ListComuniResponse()
            at = urlsplit(str(edge.client.base_url))
            assert at.hostname
            assert at.port
            loads = [pool.submit(load, (at.hostname, at.port)) for _ in range(8)]
            eventually(lambda: told.total() > 50)
        for each in loads:
            each.result()
    assert set(told) == {"HTTP/1.1 200 OK"}, told
