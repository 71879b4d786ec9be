"""grpc.health.v1 that tells the truth: SERVING only while what the service needs answers.

Under the name TAKING_CALLS it tells something else: whether this server takes calls. Clients watch that, and
turn to another replica before one ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from grpc_health.v1 import health, health_pb2

from services.chassis.logs import get_logger
from services.chassis.rpc.health_servicer import HealthServicer

TAKING_CALLS = "taking-calls"
_INTERVAL_SECONDS = 2.0
_log = get_logger("rpc")


class HealthReporter:
    """Runs `check` every two seconds in a thread of its own and sets the status of every service by it."""

    def __init__(self, services: Iterable[str], check: Callable[[], None]) -> None:
        self.servicer = HealthServicer()
        self._services = [health.OVERALL_HEALTH, *services]
        self._check = check
        self._stopping = threading.Event()
        self._serving: bool | None = None

    def start(self) -> None:
        """Checks once, so that the first answer is already true, and goes on in the background."""
        self.servicer.set(TAKING_CALLS, health_pb2.HealthCheckResponse.SERVING)
        self._report()
        threading.Thread(target=self._loop, name="health", daemon=True).start()

    def stop(self) -> None:
        """NOT_SERVING from now on, for good."""
        self._stopping.set()
        self.servicer.end()

    def _loop(self) -> None:
        while not self._stopping.wait(_INTERVAL_SECONDS):
            self._report()

    def _report(self) -> None:
        try:
            self._check()
            serving = True
        except Exception as error:  # noqa: BLE001  # whatever it is, the service cannot work
            serving = False
            reason = type(error).__name__
        if serving is self._serving:
            return
        self._serving = serving
        if serving:
            _log.info("health: serving")
        else:
            _log.warning("health: not serving", reason=reason)
        status = health_pb2.HealthCheckResponse
        for service in self._services:
            self.servicer.set(service, status.SERVING if serving else status.NOT_SERVING)
