"""Opening one connection to a broker, with a bound on the waiting and no retry of its own.

The URL of a cluster is those of its nodes with `;` between them. They are tried in random order: connections
are spread over the nodes, and one that is dead or frozen costs each try at most its own time.
"""

import random
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import IPPROTO_TCP, TCP_CORK
from urllib.parse import unquote, urlsplit

import amqp
import kombu.connection
from amqp.exceptions import AMQPError


def connect(
    url: str,
    *,
    timeout_seconds: float,
    name: str,
    heartbeat_seconds: int = 0,
    authorities: Path | None = None,
) -> amqp.Connection:
    """A connection that the broker shows as `name`; raise AMQPError or OSError when no node takes one.

    `timeout_seconds` bounds each step of the handshake, with each node. With heartbeats, the caller must tend
    to them. To an `amqps` URL only if the broker's certificate is for its host, and signed by one of
    `authorities` (PEM; None: those of the system).
    """
    *others, last = nodes_in_random_order(url)
    for each in others:
        try:
            return _connect(each, timeout_seconds, name, heartbeat_seconds, authorities)
        except (AMQPError, OSError):
            continue
    return _connect(last, timeout_seconds, name, heartbeat_seconds, authorities)


@contextmanager
def corked(connection: amqp.Connection) -> Iterator[None]:
    """What is written meanwhile leaves in full packets, so the broker is not woken for each message.

    After an error it stays so: a connection that failed is not used again.
    """
    socket_ = connection.transport.sock
    socket_.setsockopt(IPPROTO_TCP, TCP_CORK, 1)
    yield
    socket_.setsockopt(IPPROTO_TCP, TCP_CORK, 0)


def nodes_in_random_order(url: str) -> list[str]:
    """The URL of each node."""
    nodes = url.split(";")
    random.shuffle(nodes)
    return nodes


def virtual_host(url: str) -> str:
    """That of the URL; all nodes' is the same."""
    return unquote(urlsplit(url.split(";", maxsplit=1)[0]).path.removeprefix("/")) or "/"


def _connect(
    url: str, timeout_seconds: float, name: str, heartbeat_seconds: int, authorities: Path | None
) -> amqp.Connection:
    at = urlsplit(url)
    tls = {
        "server_hostname": at.hostname,
        "cert_reqs": ssl.CERT_REQUIRED,
        "ca_certs": None if authorities is None else str(authorities),
    }
    parameters = kombu.connection.Connection(
        url,
        ssl=tls if at.scheme == "amqps" else False,
        heartbeat=heartbeat_seconds,
        connect_timeout=timeout_seconds,
        transport_options={"client_properties": {"connection_name": name}},
    )
    connection: amqp.Connection = parameters.transport.establish_connection()
    # Else py-amqp looks before each message whether the broker has said anything, which costs half as much as
    # to send it. With a broker that takes nothing more, the time for its confirms runs out.
    connection.client_properties.setdefault("capabilities", {})["connection.blocked"] = False
    return connection
