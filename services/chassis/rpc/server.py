"""The gRPC server of a service: a few threads, a bounded queue, health, reflection, and an orderly end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, cast

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.chassis import ops
from services.chassis.database import Database
from services.chassis.database_status import database_status
from services.chassis.definition import ServiceDefinition, load
from services.chassis.logs import get_logger
from services.chassis.rpc._calls import MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES
from services.chassis.rpc.answering import Answering, Verifier
from services.chassis.rpc.health import HealthReporter
from services.chassis.rpc.streaming import Streaming, Streams
from services.chassis.settings import ServiceSettings
from services.chassis.tokens import TokenVerifier

Servicers = Sequence[tuple[Callable[[Any, grpc.Server], None], Any]]
"""Pairs of a generated `add_…Servicer_to_server` and the servicer to add."""

_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - listened on, here translated
_ANSWER_SECONDS: Final = 2.0
_log = get_logger("rpc")


class RpcServer:
    """Serves `servicers`; every handler runs inside `Answering`.

    At most `threads` calls run at once, `maximum_streams` beside them, and `maximum_concurrent_rpcs` are
    accepted; the rest are turned away at once.
    """

    def __init__(
        self,
        bind: str,
        servicers: Servicers,
        verifier: Verifier,
        *,
        check: Callable[[], None],
        threads: int = 6,
        maximum_concurrent_rpcs: int = 64,
        maximum_streams: int = 8,
        deadline_cap_seconds: float = 10.0,
        maximum_connection_age_seconds: int = 300,
    ) -> None:
        """`bind`: "host:port", port 0 for a free one. `check` raises while the service cannot work."""
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=threads, thread_name_prefix="rpc"),
            options=_options(maximum_connection_age_seconds),
            maximum_concurrent_rpcs=maximum_concurrent_rpcs,
        )
        self._streams = Streams(maximum_streams)
        self._streaming = [servicer for _, servicer in servicers if isinstance(servicer, Streaming)]
        answering = Answering(verifier, self._streams, deadline_cap_seconds=deadline_cap_seconds)
        registrar = _Registrar(self._server, answering)
        for add_to_server, servicer in servicers:
            add_to_server(servicer, cast(grpc.Server, registrar))
        self._health = HealthReporter(registrar.services, check)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        names = (*registrar.services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        self.port = self._server.add_insecure_port(bind)
        """The port it listens on."""
        self._host = bind.rpartition(":")[0]

    def start(self) -> None:
        """Begins to answer."""
        self._health.start()
        self._server.start()

    def check(self) -> None:
        """Raise if a call to this server itself is not answered within two seconds: a server that stands
        still has a database that answers.
        """
        target = f"{_ANYWHERE.get(self._host, self._host)}:{self.port}"
        with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
            ask = health_pb2_grpc.HealthStub(channel).Check
            try:
                ask(health_pb2.HealthCheckRequest(), timeout=_ANSWER_SECONDS)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:  # turned away is answered
                    raise

    def stop(self, grace_seconds: float, announced_seconds: float = 0.0) -> None:
        """Tells clients to call another replica, and `announced_seconds` later takes no new calls, ends
        streams, lets calls under way finish for up to `grace_seconds`, then cancels them.

        A call that arrives in the moment of the end is lost, and so may be the answer to one that ends in it:
        gRPC closes connections without regard to what is still on its way.
        """
        self._health.stop()
        time.sleep(announced_seconds)
        stopped = self._server.stop(grace_seconds)
        for servicer in self._streaming:
            servicer.end_streams()
        stopped.wait()
        self._streams.close()


def run(settings: ServiceSettings, definition: ServiceDefinition, database: Database) -> None:
    """The `grpc` process: serves until SIGTERM or SIGINT, finishes what is under way, and returns."""
    if definition.grpc is None:
        raise ValueError(f"{definition.name} has no gRPC part")
    server = RpcServer(
        settings.grpc_bind,
        load(definition.grpc)(settings, database),
        TokenVerifier(settings.jwks_file),
        check=database.ping,
        threads=settings.grpc_threads,
        maximum_concurrent_rpcs=settings.grpc_maximum_concurrent_rpcs,
        maximum_streams=settings.grpc_maximum_streams,
        deadline_cap_seconds=settings.grpc_deadline_cap_seconds,
        maximum_connection_age_seconds=settings.grpc_maximum_connection_age_seconds,
    )
    checks = {"database": database.ping, "calls": server.check}
    operations = ops.serve(settings.ops_bind, checks, partial(database_status, database, definition))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    server.start()
    _log.info("rpc server started", bind=settings.grpc_bind, threads=settings.grpc_threads)
    stopping.wait()
    _log.info("rpc server stopping", grace_seconds=settings.grpc_stop_grace_seconds)
    server.stop(settings.grpc_stop_grace_seconds, settings.grpc_stop_announced_seconds)
    operations.stop()


class _Registrar:
    """Stands in for the server while generated code adds its handlers, and wraps each of them once."""

    def __init__(self, server: grpc.Server, answering: Answering) -> None:
        self._server = server
        self._answering = answering
        self.services: list[str] = []

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Generated code gives every handler twice; the registered form below can be wrapped."""

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        wrapped = {
            name: self._answering.wrapped(f"{service}/{name}", handler) for name, handler in handlers.items()
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, wrapped),))
        self._server.add_registered_method_handlers(service, wrapped)  # type: ignore[attr-defined]  # newer than its stubs
        self.services.append(service)


def _options(maximum_connection_age_seconds: int) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # a second server on the port is a mistake, not a replica
        ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
        ("grpc.max_send_message_length", MAX_RESPONSE_BYTES),
        # Connections are renewed now and then, so that clients find replicas that were added later.
        ("grpc.max_connection_age_ms", maximum_connection_age_seconds * 1000),
        ("grpc.max_connection_age_grace_ms", 30_000),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ]
