"""Free TCP ports on the loopback address."""

import random
import socket
from collections.abc import Container

# Below Linux' ephemeral range (32768–60999): a port from there can be taken by any outgoing connection
# between the choice and the next start of the server that shall listen on it.
FIRST, LAST = 20_000, 32_000


def is_free(port: int) -> bool:
    """True if a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(taken: Container[int] = ()) -> int:
    """A port nobody listens on and that is not in `taken`."""
    for _ in range(1_000):
        port = random.randint(FIRST, LAST)
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port on 127.0.0.1 between {FIRST} and {LAST}")


def free_port_from(first: int, taken: Container[int] = ()) -> int:
    """The first free port at or above `first`."""
    for port in range(first, first + 200):
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port on 127.0.0.1 between {first} and {first + 199}")
