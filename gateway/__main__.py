"""`python -m gateway`: serves the API until told to stop; requests under way are finished first."""

from __future__ import annotations

import uvicorn

from gateway.app import create_app
from gateway.ending import Server
from gateway.settings import GatewaySettings
from services.chassis import logs, ops
from services.chassis.garbage import collect_seldom
from services.chassis.tracing_export import exporting

_STOP_SECONDS = 10
_KEEP_ALIVE_SECONDS = 75
"""Longer than clients and balancers keep a connection on which nothing is asked (httpx 5 seconds, as long as
uvicorn by itself; balancers mostly 60): what is asked while we close it is answered by a reset, and nobody
knows whether it was heard.
"""


class NotServing(Exception):
    """The HTTP server does not listen, yet or any more."""


def server(settings: GatewaySettings) -> Server:
    """The HTTP server, not yet started."""
    host, _, port = settings.gateway_bind.rpartition(":")
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=host,
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # Only these are believed about whom they speak for; by default uvicorn believes every local process.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    return Server(config, end_streams=app.state.live.end)


def main() -> None:
    collect_seldom()
    settings = GatewaySettings()
    logs.configure("gateway", "http", settings.log_level)
    http = server(settings)

    def serving() -> None:
        if not http.started:
            raise NotServing

    operations = ops.serve(settings.ops_bind, {"http": serving})
    with exporting("gateway", "http"):
        try:
            http.run()
        finally:
            operations.stop()


if __name__ == "__main__":
    main()
