"""How the HTTP server ends: no request is lost that a client could begin to send.

Closing a listening socket resets the connections that the kernel has established and the process has not
yet accepted; their clients have sent a request by then and cannot know whether it was heard. So the kernel is
told first to begin no more connections: a client that knows another gateway, as a proxy does, goes there.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import struct
from typing import Final

import uvicorn

ON_THEIR_WAY_SECONDS: Final = 1.0
"""How long connections that have begun may take to send their request."""

_SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h; Python has no name for it
# Classic BPF over a TCP segment: (operation, jump if true, jump if false, operand).
_NO_BEGINNINGS: Final = (
    (0x30, 0, 0, 13),  # the byte of TCP's flags
    (0x54, 0, 0, 0x12),  # of them SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone would begin a connection:
    (0x06, 0, 0, 0),  # it is dropped
    (0x06, 0, 0, 0xFFFF_FFFF),  # all else passes
)


class Server(uvicorn.Server):
    """Ends after what is under way, and what is on its way."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            for listening in server.sockets:
                begin_no_more_connections(listening.fileno())
        await asyncio.sleep(ON_THEIR_WAY_SECONDS)
        await super().shutdown(sockets)


def begin_no_more_connections(listening: int) -> None:
    """Tell the kernel to drop what would begin a connection to the listening socket with this descriptor.

    Clients that try wait until the socket is closed, and are refused then. Where the kernel has no such
    filters nothing happens.
    """
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _NO_BEGINNINGS)
    with socket.fromfd(listening, socket.AF_INET, socket.SOCK_STREAM) as copy, contextlib.suppress(OSError):
        array = (ctypes.c_char * len(program)).from_buffer_copy(program)
        copy.setsockopt(
            socket.SOL_SOCKET,
            _SO_ATTACH_FILTER,
            struct.pack("HP", len(_NO_BEGINNINGS), ctypes.addressof(array)),
        )
