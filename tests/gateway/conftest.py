"""The gateway in front of scripted services: real HTTP semantics, real gRPC, no databases."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import httpx
import pytest

from gateway.__main__ import server
from gateway.settings import GatewaySettings
from services.chassis import logs
from services.chassis.refusal import Refusal
from services.chassis.rpc.status import status_of
from services.chassis.tokens import TokenSigner
from tests.support.polling import eventually
from tests.support.tokens import TokenIssuer

PERSON = UUID("01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e0f")

Stream = Callable[[grpc.ServicerContext], Iterator[Any]]


@dataclass
class ScriptedServices(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its types only
    """Answers each method as the test says; remembers what was asked.

    An answer is a message, an exception, or a function that gives one of both for a request's bytes.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    calls: list[tuple[str, bytes, dict[str, str], float]] = field(default_factory=list)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        name = details.method.rpartition("/")[2]
        if name in self.streams:
            return grpc.unary_stream_rpc_method_handler(self._streaming(self.streams[name]))
        if name not in self.answers:
            return None

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
            self.calls.append((name, request, metadata, context.time_remaining()))
            result = self.answers[name]
            if callable(result):
                result = result(request)
            if isinstance(result, Refusal):
                context.abort_with_status(status_of(result))
            if isinstance(result, Exception):
                raise result
            return bytes(result.SerializeToString())

        return grpc.unary_unary_rpc_method_handler(answer)

    def _streaming(self, stream: Stream) -> Callable[[bytes, grpc.ServicerContext], Iterator[bytes]]:
        def answers(_request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            for message in stream(context):
                yield message.SerializeToString()

        return answers


@dataclass
class Edge:
    client: httpx.Client
    services: ScriptedServices
    signer: TokenSigner
    stop_services: Callable[[], object]

    def token(self, *roles: str, lifetime_seconds: int = 600, **claims: object) -> dict[str, str]:
        signed = self.signer.sign(
            {"sub": "account", "person": str(PERSON), "roles": list(roles or ("citizen:*",)), **claims},
            lifetime_seconds,
        )
        return {"Authorization": f"Bearer {signed}"}


@pytest.fixture(scope="module")
def running_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    logs.configure("gateway", "http")  # as the process does; unconfigured, a traceback takes seconds to draw
    with running(tmp_path_factory.mktemp("edge")) as edge:
        yield edge


@pytest.fixture
def edge(running_edge: Edge) -> Edge:
    """A gateway whose services have not been asked anything and know no answer."""
    running_edge.services.answers.clear()
    running_edge.services.streams.clear()
    running_edge.services.calls.clear()
    return running_edge


@pytest.fixture
def edge_without_services(tmp_path: Path) -> Iterator[Edge]:
    """A gateway whose services have just gone."""
    with running(tmp_path) as edge:
        edge.stop_services()
        yield edge


@contextmanager
def running(directory: Path, **settings: object) -> Iterator[Edge]:
    """A gateway with settings of its own, and its services."""
    services = ScriptedServices()
    backend = grpc.server(ThreadPoolExecutor(4), handlers=[services])
    target = f"127.0.0.1:{backend.add_insecure_port('127.0.0.1:0')}"
    backend.start()
    issuer = TokenIssuer(directory)
    configured = GatewaySettings(
        gateway_bind="127.0.0.1:0",
        identity_target=target,
        catalogue_target=target,
        vouchers_target=target,
        notifications_target=target,
        jwks_file=issuer.jwks_file,
        **{"read_deadline_seconds": 2, "command_deadline_seconds": 2, **settings},  # type: ignore[arg-type]
    )
    try:
        with _serving(configured) as url, httpx.Client(base_url=url, timeout=10) as client:
            yield Edge(client, services, issuer.signer, lambda: backend.stop(None).wait())
    finally:
        backend.stop(None).wait()


@contextmanager
def _serving(settings: GatewaySettings) -> Iterator[str]:
    """The gateway behind its real HTTP server; the value is its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    http = server(settings)
    thread = threading.Thread(target=http.run, kwargs={"sockets": [listening]})
    thread.start()
    eventually(lambda: http.started or not thread.is_alive())
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        http.should_exit = True
        thread.join()
