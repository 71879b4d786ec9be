"""Opening one connection to the broker, with a bound on the waiting and no retry of its own."""

import amqp
import kombu.connection


def connect(url: str, *, timeout_seconds: float, name: str, heartbeat_seconds: int = 0) -> amqp.Connection:
    """A connection that the broker shows as `name`; raise AMQPError or OSError.

    `timeout_seconds` bounds each step of the handshake. With heartbeats, the caller must tend to them.
    """
    parameters = kombu.connection.Connection(  # type: ignore[no-untyped-call]
        url,
        heartbeat=heartbeat_seconds,
        connect_timeout=timeout_seconds,
        transport_options={"client_properties": {"connection_name": name}},
    )
    return parameters.transport.establish_connection()
