"""grpc.health.v1, as clients ask it and watch it.

grpc_health has a servicer too, but with it a server can stand still for good: it sends to one watcher while
it holds the lock that the end of another watch waits for, in the only thread that could finish the sending
(https://github.com/grpc/grpc/pull/43403). Clients that watch begin and end watches with every connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

Status = int
"""A HealthCheckResponse.ServingStatus."""
Send = Callable[[health_pb2.HealthCheckResponse], object]
_NOT_SERVING: Status = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN: Status = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # untyped
    """Knows a status for each name. Watchers are told the present one, and each later one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        """Of what stands here. Never held while something is sent: the end of a watch waits for it."""
        self._statuses: dict[str, Status] = {}
        self._watchers: dict[str, set[_Watcher]] = {}
        self._over = False

    def set(self, name: str, status: Status) -> None:
        """Nothing changes after `end`."""
        with self._lock:
            if self._over:
                return
            self._statuses[name] = status
            watchers = list(self._watchers.get(name, ()))
        for each in watchers:
            each.tell(self._status)

    def end(self) -> None:
        """NOT_SERVING under every name, for good."""
        with self._lock:
            self._over = True
            self._statuses = dict.fromkeys(self._statuses, _NOT_SERVING)
            watchers = [each for several in self._watchers.values() for each in several]
        for each in watchers:
            each.tell(self._status)

    def Check(  # noqa: N802 - the protocol's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        """NOT_FOUND for a name that nobody has set."""
        status = self._status(request.service)
        if status == _UNKNOWN:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return health_pb2.HealthCheckResponse(status=status)

    def Watch(  # noqa: N802 - the protocol's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext, send: Send
    ) -> None:
        """Goes on until the client leaves; SERVICE_UNKNOWN while nobody has set the name."""
        watcher = _Watcher(request.service, send)
        with self._lock:
            self._watchers.setdefault(request.service, set()).add(watcher)
        if context.add_callback(lambda: self._forget(watcher)):
            watcher.tell(self._status)
        else:  # it has left already
            self._forget(watcher)

    # gRPC hands over a function to send with, instead of keeping a thread for as long as somebody watches.
    Watch.experimental_non_blocking = True  # type: ignore[attr-defined]

    def _status(self, name: str) -> Status:
        with self._lock:
            return self._statuses.get(name, _UNKNOWN)

    def _forget(self, watcher: _Watcher) -> None:
        with self._lock:
            left = self._watchers[watcher.name]
            left.discard(watcher)
            if not left:  # clients watch whatever names they like
                del self._watchers[watcher.name]


class _Watcher:
    """A client that watches a name."""

    def __init__(self, name: str, send: Send) -> None:
        self.name = name
        self._send = send
        self._lock = threading.Lock()
        """Held while sending, so that the last that is told is the last that was so."""
        self._told: Status | None = None

    def tell(self, status_of: Callable[[str], Status]) -> None:
        """What is so now, unless it has been told."""
        with self._lock:
            status = status_of(self.name)
            if status != self._told:
                self._told = status
                self._send(health_pb2.HealthCheckResponse(status=status))
