"""The system's resolver, with a limit on how long anybody waits for it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate

from services.notifications.domain.addresses import Address, parse_address


class SystemResolver:
    """Asks getaddrinfo, which cannot be given a limit, in threads that can be left behind.

    At most `threads` questions are under way; while all of them hang, every further one ends as unanswered.
    """

    def __init__(self, *, timeout_seconds: float, threads: int) -> None:
        self._timeout_seconds = timeout_seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="resolve")

    def __call__(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of `host` in the system's order; none if unknown or not answered in time."""
        asked = self._pool.submit(_addresses, host, port)
        try:
            return asked.result(self._timeout_seconds)
        except TooLate:
            asked.cancel()
            return ()

    def close(self) -> None:
        """Asks nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> Sequence[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # unknown, or not a name at all
        return ()
    return tuple(dict.fromkeys(parse_address(str(where[0])) for *_, where in found))
