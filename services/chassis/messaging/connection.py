"""Opening one connection to a broker, with a bound on the waiting and no retry of its own."""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import amqp
import kombu.connection


def connect(
    url: str,
    *,
    timeout_seconds: float,
    name: str,
    heartbeat_seconds: int = 0,
    authorities: Path | None = None,
) -> amqp.Connection:
    """A connection that the broker shows as `name`; raise AMQPError or OSError.

    `timeout_seconds` bounds each step of the handshake. With heartbeats, the caller must tend to them. To an
    `amqps` URL only if the broker's certificate is for its host, and signed by one of `authorities` (PEM;
    None: those of the system).
    """
    at = urlsplit(url)
    tls = {
        "server_hostname": at.hostname,
        "cert_reqs": ssl.CERT_REQUIRED,
        "ca_certs": None if authorities is None else str(authorities),
    }
    parameters = kombu.connection.Connection(  # type: ignore[no-untyped-call]
        url,
        ssl=tls if at.scheme == "amqps" else False,
        heartbeat=heartbeat_seconds,
        connect_timeout=timeout_seconds,
        transport_options={"client_properties": {"connection_name": name}},
    )
    return parameters.transport.establish_connection()
