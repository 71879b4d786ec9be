"""Second processes of a kind, beside the installation's and on its databases and broker.

The installation knows one address for each process. So a gateway of the bench's own is told both, and spreads
its calls over them, as gRPC does with all addresses of a target.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from deploy.local import environment
from deploy.local.ports import free_port
from tests.bench.apart import running
from tests.bench.system import System
from tests.support.polling import eventually

_HTTP, _CALLS, _EVENTS = "gateway_requests_total", "rpc_calls_total", "events_handled_total"
_READY_SECONDS = 30.0


@dataclass(frozen=True)
class Counted:
    """A process that counts what it has handled, under the name `counter` on its port for operations."""

    name: str
    ops: str
    counter: str

    def handled(self) -> int:
        """Since its start."""
        answer = httpx.get(f"http://{self.ops}/metrics", trust_env=False).raise_for_status()
        lines = [line for line in answer.text.splitlines() if line.startswith(f"{self.counter}{{")]
        return round(sum(float(line.rpartition(" ")[2]) for line in lines))

    def wait_ready(self) -> None:
        """Return when it is healthy; AssertionError if it does not become so."""
        eventually(self._is_ready, timeout_seconds=_READY_SECONDS)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"http://{self.ops}/health", trust_env=False).is_success
        except httpx.TransportError:
            return False


@dataclass(frozen=True)
class Doubled:
    """Where to send requests to, in turn, and who shares the work then."""

    base_urls: Sequence[str]
    processes: Sequence[Counted]


@contextmanager
def second_gateway(system: System) -> Iterator[Doubled]:
    """Two gateways; clients are spread over both."""
    with _gateway(system) as (base_url, second):
        yield Doubled([system.instance.base_url, base_url], [_first(system, "gateway", _HTTP), second])


@contextmanager
def second_services(system: System) -> Iterator[Doubled]:
    """Two `grpc` processes of catalogue and of vouchers. The first catalogue knows one of vouchers only."""
    with _grpc(system, "vouchers") as (vouchers, second_vouchers):
        both_vouchers = _both(system, "vouchers", vouchers)
        with _grpc(system, "catalogue", VOUCHERS_TARGET=both_vouchers) as (catalogue, second_catalogue):
            targets = {
                "CATALOGUE_TARGET": _both(system, "catalogue", catalogue),
                "VOUCHERS_TARGET": both_vouchers,
            }
            with _gateway(system, **targets) as (base_url, _):
                processes = [
                    _first(system, "catalogue-grpc", _CALLS),
                    second_catalogue,
                    _first(system, "vouchers-grpc", _CALLS),
                    second_vouchers,
                ]
                yield Doubled([base_url], processes)


@contextmanager
def second_worker(system: System) -> Iterator[Doubled]:
    """Two workers of notifications on one queue."""
    name = "notifications-worker"
    with _service(system, "notifications", "worker", _EVENTS) as second:
        yield Doubled([system.instance.base_url], [_first(system, name, _EVENTS), second])


@contextmanager
def _gateway(system: System, **changes: str) -> Iterator[tuple[str, Counted]]:
    instance = system.instance
    address, ops = _free_address(), _free_address()
    own = {"GATEWAY_BIND": address, "OPS_BIND": ops}
    variables = environment.gateway(instance.ports, instance.secrets) | own | changes
    with running(system, "gateway", environment=variables):
        gateway = Counted("second gateway", ops, _HTTP)
        gateway.wait_ready()
        yield f"http://{address}", gateway


@contextmanager
def _grpc(system: System, service: str, **changes: str) -> Iterator[tuple[str, Counted]]:
    address = _free_address()
    with _service(system, service, "grpc", _CALLS, GRPC_BIND=address, **changes) as process:
        yield address, process


@contextmanager
def _service(system: System, service: str, kind: str, counter: str, **changes: str) -> Iterator[Counted]:
    ops = _free_address()
    variables = dict(system.instance.command(service, kind).environment) | {"OPS_BIND": ops} | changes
    with running(system, f"services.{service}", kind, environment=variables):
        process = Counted(f"second {service}-{kind}", ops, counter)
        process.wait_ready()
        yield process


def _first(system: System, program: str, counter: str) -> Counted:
    return Counted(program, f"127.0.0.1:{system.instance.ports[f'{program}-ops']}", counter)


def _both(system: System, service: str, second: str) -> str:
    """A gRPC target of two addresses."""
    return f"ipv4:127.0.0.1:{system.instance.ports[f'{service}-grpc']},{second}"


def _free_address() -> str:
    return f"127.0.0.1:{free_port()}"
