"""The reader that cooperatives may copy comes back from whatever ends its stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deploy.demo.live_reader import LiveReader
from tests.support.polling import eventually

OLD, NEW = "cursor-of-long-ago", "cursor-of-today"


class _Feed(BaseHTTPRequestHandler):
    """Has one event for whoever begins at now; nothing is kept of what came after OLD."""

    asked: list[str | None]

    def do_GET(self) -> None:
        place = self.headers.get("Last-Event-ID")
        self.asked.append(place)
        if place == OLD:
            self._answer(
                409, "application/problem+json", '{"type": "urn:ambito:problem:feed-cursor-too-old"}'
            )
        else:
            cursor = OLD if len(self.asked) == 1 else NEW
            self._answer(200, "text/event-stream", f"retry: 1\nid: {cursor}\ndata: {json.dumps(cursor)}\n\n")

    def _answer(self, status: int, media_type: str, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def feed() -> Iterator[tuple[str, list[str | None]]]:
    """Its URL, and the places from which it was read."""
    asked: list[str | None] = []
    handler = type("Feed", (_Feed,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_from_a_place_that_is_too_old_it_begins_anew(feed: tuple[str, list[str | None]]) -> None:
    url, asked = feed
    heard: list[Any] = []
    reader = LiveReader(url, lambda: "token", heard.append)
    try:
        eventually(lambda: NEW in heard)
    finally:
        reader.close()
    assert asked[:3] == [None, OLD, None]
    assert heard[:2] == [OLD, NEW]
