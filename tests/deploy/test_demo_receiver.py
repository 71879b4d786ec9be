"""What the demo's webhook receiver makes of what comes in."""

import socket
from urllib.parse import urlsplit

import pytest

from deploy.demo.receiver import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    "arrived",
    [
        b"POST /ambito HTTP/1.1\r\nHost: receiver\r\n",
        b"POST /ambito HTTP/1.1\r\nHost: receiver\r\nContent-Length: 100\r\n\r\n{",
    ],
    ids=["within its headers", "within its body"],
)
def test_a_delivery_that_is_cut_off_is_none_and_not_a_forged_one(arrived: bytes) -> None:
    receiver = Receiver()
    receiver.secret = SECRET
    where = urlsplit(receiver.url)
    try:
        with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
            connection.sendall(arrived)
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(100) == b""
        assert receiver.received.forged == 0
    finally:
        receiver.close()
