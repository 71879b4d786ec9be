"""The ways between the parts: through each leads a proxy of its own, which can stall it or cut it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.local.environment import SERVICES
from deploy.local.members import COMMON_PROCESSES, FURTHER_PROCESSES
from deploy.local.state import Ports
from tests.support.proxy import Proxy


@dataclass(frozen=True)
class Path:
    """How `programs` are told where something listens: in the setting `variable`, at a port of that name."""

    name: str
    programs: frozenset[str]
    variable: str
    port: str


def _programs(service: str, *processes: str) -> frozenset[str]:
    return frozenset(f"{service}-{process}" for process in processes)


PATHS = (
    *(
        Path(f"gateway → {service}", frozenset({"gateway"}), f"{service.upper()}_TARGET", f"{service}-grpc")
        for service in SERVICES
    ),
    Path("catalogue → vouchers", _programs("catalogue", "grpc"), "VOUCHERS_TARGET", "vouchers-grpc"),
    *(
        Path(
            f"{service} → its database",
            _programs(service, *COMMON_PROCESSES, *FURTHER_PROCESSES.get(service, ())),
            "DATABASE_URL",
            "postgres",
        )
        for service in SERVICES
    ),
    *(
        Path(f"{service} → broker", _programs(service, "worker", "relay"), "AMQP_URL", "amqp")
        for service in SERVICES
    ),
    Path("deliver → mail server", _programs("notifications", "deliver"), "SMTP_URL", "mail"),
)
WEBHOOKS = "deliver → webhook receivers"
"""Out of the installation, to a receiver of each cooperative, each behind a proxy of its own."""


class Proxies:
    """A proxy for each of `PATHS`."""

    def __init__(self, ports: Callable[[], Ports]) -> None:
        self._ports = ports
        self._proxies: Mapping[str, Proxy] = {path.name: Proxy(self._target(path)) for path in PATHS}

    def __getitem__(self, path: str) -> Proxy:
        return self._proxies[path]

    def adjust(self, program: str, environment: dict[str, str]) -> dict[str, str]:
        """The environment with which the program takes its paths through the proxies."""
        led = dict(environment)
        for path in PATHS:
            if program in path.programs:
                there = f"127.0.0.1:{self._ports()[path.port]}"
                assert there in led[path.variable], f"{program}: {path.variable} does not lead to {there}"
                led[path.variable] = led[path.variable].replace(there, f"127.0.0.1:{self[path.name].port}")
        return led

    def close(self) -> None:
        for proxy in self._proxies.values():
            proxy.close()

    def _target(self, path: Path) -> Callable[[], int]:
        return lambda: self._ports()[path.port]
