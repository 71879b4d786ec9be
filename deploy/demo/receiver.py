"""A cooperative's webhook receiver: verifies each delivery with the public `standardwebhooks` package."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


@dataclass
class Received:
    """What came, under the id with which it came; and how many deliveries were refused."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    forged: int = 0
    """Not signed rightly."""
    untimely: int = 0
    """Signed at a time that is not ours."""


class Receiver:
    """Listens on a free port of `host` until closed. Set `secret` once the endpoint is registered."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.received = Received()
        self.secret: str | None = None
        self._server = ThreadingHTTPServer((host, 0), self._handler())
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a sender that is cut off
        threading.Thread(target=self._server.serve_forever, name="webhook-receiver", daemon=True).start()

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/ambito"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "-1"))
                body = self.rfile.read(max(length, 0))
                if len(body) != length:  # the sender was cut off, within its headers or after; it comes again
                    self.close_connection = True
                    return
                self.send_response(receiver.accept(body, dict(self.headers.items())))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """The story tells what arrived."""

        return Handler

    def accept(self, body: bytes, headers: dict[str, str]) -> int:
        """The HTTP status to answer with."""
        if self.secret is None:
            return 503  # not ready; it comes again
        lowered = {name.lower(): value for name, value in headers.items()}
        try:
            payload = Webhook(self.secret).verify(body.decode(), lowered)
        except WebhookVerificationError as error:
            if "timestamp too" in str(error):
                self.received.untimely += 1
            else:
                self.received.forged += 1
            return 401
        self.received.events[lowered["webhook-id"]] = payload
        return 204
