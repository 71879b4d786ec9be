"""The operations port of a process: `/metrics` for Prometheus, `/health` and `/health/live` for supervisors,
`/status` for who operates it.

A plain threaded HTTP server. It waits in `accept`, not in a selector, so that in a process patched by
eventlet it is an ordinary greenlet; its threads are daemons and never keep a process alive.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.chassis.logs import get_logger

Checks = Mapping[str, Callable[[], None]]
Status = Callable[[], Mapping[str, Any]]

MAX_CONCURRENT_REQUESTS = 8
"""Further ones are turned away without an answer."""
_SOCKET_TIMEOUT_SECONDS = 5.0
_log = get_logger(__name__)


class CannotTellError(Exception):
    """What is asked for cannot be told now; the message, which may be shown, says why."""


class OpsServer(Protocol):
    """What `serve` returns."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""

    def stop(self) -> None:
        """Stops listening; the port is free when this returns."""


def serve(bind: str, checks: Checks, status: Status | None = None) -> OpsServer:
    """Answers on `bind` ("host:port"; port 0 takes a free one) until stopped. OSError if the address is
    taken.

    `/health/live`: 200 while the process runs. `/health`: 200 when every check returns, 503 when one raises;
    the body names each check and, for a failure, the class of its error and nothing more. `/metrics`: the
    default registry. `/status`: what `status` returns; 503 when it raises, with the message of a
    CannotTellError, or else with the class of the error; 404 without one.
    """
    host, _, port = bind.rpartition(":")
    server = _Server((host, int(port)), checks, status)
    threading.Thread(target=server.accept_forever, name="ops", daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], checks: Checks, status: Status | None) -> None:
        self.checks = dict(checks)
        self.status = status
        self._slots = threading.BoundedSemaphore(MAX_CONCURRENT_REQUESTS)
        self._stopping = False
        self._closed = threading.Event()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__((address[0].strip("[]"), address[1]), _Handler)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.server_address[:2]
        return str(host), int(port)

    def accept_forever(self) -> None:
        while not self._stopping:
            try:
                connection, peer = self.get_request()
            except OSError:  # a client that went away, no file descriptors left, or the end
                if not self._stopping:
                    time.sleep(0.05)
                continue
            if self._slots.acquire(blocking=False):
                self.process_request(connection, peer)
            else:
                self.shutdown_request(connection)
        self.server_close()
        self._closed.set()

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as inherited
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, _request: object, _client_address: object) -> None:
        _log.debug("ops request failed", exc_info=True)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own also looks up the host's name, which can take seconds

    def stop(self) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._closed.wait(_SOCKET_TIMEOUT_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SOCKET_TIMEOUT_SECONDS
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest())
        elif path == "/health/live":
            self._answer_json(HTTPStatus.OK, {"status": "ok"})
        elif path == "/health":
            self._answer_json(*_examine(self.server.checks))
        elif path == "/status" and self.server.status is not None:
            self._answer_json(*_ask(self.server.status))
        else:
            self._answer_json(HTTPStatus.NOT_FOUND, {"status": "not found"})

    def _answer_json(self, status: HTTPStatus, document: Mapping[str, Any]) -> None:
        self._answer(status, "application/json", json.dumps(document).encode())

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "ops"

    def log_message(self, *_args: object) -> None:
        """Probes come every few seconds; they are not worth a line."""


def _ask(status: Status) -> tuple[HTTPStatus, Mapping[str, Any]]:
    try:
        return HTTPStatus.OK, status()
    except CannotTellError as error:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"error": str(error)}
    except Exception as error:  # noqa: BLE001  # whatever it is, nothing is known
        return HTTPStatus.SERVICE_UNAVAILABLE, {"error": type(error).__name__}


def _examine(checks: Checks) -> tuple[HTTPStatus, dict[str, Any]]:
    results: dict[str, dict[str, str]] = {}
    for name, check in checks.items():
        try:
            check()
        except Exception as error:  # noqa: BLE001  # whatever it is, the part is not well
            results[name] = {"status": "failing", "error": type(error).__name__}
        else:
            results[name] = {"status": "ok"}
    well = all(result["status"] == "ok" for result in results.values())
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    return status, {"status": "ok" if well else "failing", "checks": results}
