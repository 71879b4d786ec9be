"""How the HTTP server ends: no request is lost that a client could begin to send.

Closing a listening socket resets the connections that the kernel has established and the process has not
yet accepted, and uvicorn closes those that have not asked anything yet; their clients have sent a request by
then and cannot know whether it was heard. So new connections are refused first: a client that knows another
gateway, as a proxy does, goes there. Who is connected has time to ask.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

import uvicorn

ON_THEIR_WAY_SECONDS: Final = 0.5
"""How long connections that have begun may take to be established."""
TO_ASK_SECONDS: Final = 1.0
"""How long those that are may take to send their request."""
_LOOKS: Final = 50


class Server(uvicorn.Server):
    """Ends after what is under way, and what is on its way.

    `end_streams` is called when new connections are refused: what would go on for ever is to end then.
    """

    def __init__(self, config: uvicorn.Config, *, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            for listening in server.sockets:
                refuse_connections(listening)
        self._end_streams()
        await asyncio.sleep(ON_THEIR_WAY_SECONDS)
        for _ in range(_LOOKS):
            # Protocols of HTTP/1.1 are all that is served; uvicorn's type knows more.
            if all(each.cycle is not None for each in self.server_state.connections):  # type: ignore[union-attr]
                break
            await asyncio.sleep(TO_ASK_SECONDS / _LOOKS)
        await super().shutdown(sockets)


def refuse_connections(listening: socket.socket) -> None:
    """Have the kernel refuse new connections to the socket, and finish those that have begun.

    It listens on only one of the machine's network devices from now on, one that other machines' connections
    do not come by; if it is at a loopback address, one that nobody's do. On all others the port is closed.
    Linux lets every process do so since 5.7; where it is not possible, or where there is one device only,
    nothing happens.
    """
    loopback = ip_address(listening.getsockname()[0]).is_loopback
    device = next((name for _, name in socket.if_nameindex() if (name == "lo") is not loopback), None)
    if device is None:
        return
    # An event loop's own socket has no options to set.
    with socket.socket(listening.family, listening.type, fileno=os.dup(listening.fileno())) as copy:
        try:
            copy.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, f"{device}\0".encode())
        except OSError:
            return
