"""A cooperative's webhook receiver: a real HTTP server that answers as the test tells it to."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Reply:
    """One answer. It is given once `after` is set; `trickle` sends the body a byte every 50 ms, for ever."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: threading.Event | None = None
    trickle: bool = False


@dataclass(frozen=True)
class Request:
    """What arrived; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """Answers with `replies` in turn, then with the last one again."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.under_way = 0
        self.most_under_way = 0
        self._replies = replies or (Reply(),)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients go away here
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            return self._replies[min(len(self.requests), len(self._replies)) - 1]

    def _done(self) -> None:
        with self._lock:
            self.under_way -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = receiver._next(Request(self.path, headers, body))
                try:
                    if reply.after is not None:
                        reply.after.wait(30)
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    if not reply.trickle:
                        self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body)
                    while reply.trickle and not receiver._ended.wait(0.05):
                        self.wfile.write(b".")
                        self.wfile.flush()
                finally:
                    receiver._done()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


Receivers = Callable[..., Receiver]


@contextmanager
def receivers() -> Iterator[Receivers]:
    """Makes receivers, and closes them at the end."""
    made: list[Receiver] = []

    def make(*replies: Reply, tls: ssl.SSLContext | None = None) -> Receiver:
        made.append(Receiver(*replies, tls=tls))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()
