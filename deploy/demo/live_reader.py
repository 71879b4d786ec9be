"""A cooperative's desk: looks at the live feed, with the public `httpx-sse` package."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import httpx
from httpx_sse import SSEError, connect_sse

_PATH: Final = "/api/v1/events/live"
_READ_SECONDS: Final = 30.0
"""Something comes every 15 seconds, if only a comment."""


class LiveReader:
    """Looks until closed: a good reader, who comes back to where it was when it is cut off, with a new token
    when its own is refused, and begins anew when the events after its place are no longer kept.
    """

    def __init__(self, base_url: str, token: Callable[[], str], heard: Callable[[Any], None]) -> None:
        """`heard` is called with each event."""
        self._client = httpx.Client(base_url=base_url, timeout=_READ_SECONDS, trust_env=False)
        self._make_token = token
        self._token = ""
        self._heard = heard
        self._place = ""
        self._pause_seconds = 1.0
        self._socket: socket.socket | None = None
        self._looking, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read, name="live-reader", daemon=True)
        self._thread.start()

    def wait_looking(self, timeout_seconds: float) -> bool:
        """Until it has begun; whether it has."""
        return self._looking.wait(timeout_seconds)

    def close(self) -> None:
        self._stop.set()
        while self._thread.is_alive():  # it may be about to connect again
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(0.1)
        self._client.close()

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except (httpx.HTTPError, SSEError, json.JSONDecodeError):
                self._stop.wait(self._pause_seconds)

    def _look(self) -> None:
        self._token = self._token or self._make_token()
        with connect_sse(self._client, "GET", _PATH, headers=self._headers()) as source:
            self._socket = source.response.extensions["network_stream"].get_extra_info("socket")
            if source.response.status_code == httpx.codes.UNAUTHORIZED:
                self._token = ""
            if source.response.status_code == httpx.codes.CONFLICT:
                self._place = ""  # what came after it is no longer kept; the feed has all that is
            source.response.raise_for_status()
            for message in source.iter_sse():
                if message.event == "end":
                    self._token = ""  # which has expired, as a rule
                    break
                if message.data:
                    self._heard(json.loads(message.data))
                self._place = message.id or self._place
                self._pause_seconds = (message.retry or self._pause_seconds * 1000) / 1000
                self._looking.set()
        self._stop.wait(self._pause_seconds)

    def _headers(self) -> Mapping[str, str]:
        place = {"Last-Event-ID": self._place} if self._place else {}
        return {"Authorization": f"Bearer {self._token}", "Accept-Language": "en"} | place
