"""A gRPC service made of plain functions over bytes: all that is needed to test what surrounds a handler."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc

from services.chassis.rpc.answering import Verifier
from services.chassis.rpc.server import RpcServer
from tests.support.polling import eventually

SERVICE = "ambito.test.v1.Test"
STREAMING = "ambito.test.v1.Streaming"

Handler = Callable[[bytes, grpc.ServicerContext], bytes]
StreamHandler = Callable[[bytes, grpc.ServicerContext], Iterator[bytes]]


class Gate:
    """A handler that waits until it is let go, and remembers what it was given."""

    def __init__(self) -> None:
        self.entered: list[bytes] = []
        self._open = threading.Event()

    def __call__(self, request: bytes, _context: grpc.ServicerContext) -> bytes:
        self.entered.append(request)
        assert self._open.wait(30)
        return request

    def open(self) -> None:
        self._open.set()


def add_handlers(handlers: Mapping[str, Handler], server: grpc.Server) -> None:
    """Adds them as generated code would."""
    made = {name: grpc.unary_unary_rpc_method_handler(handler) for name, handler in handlers.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, made),))
    server.add_registered_method_handlers(SERVICE, made)  # type: ignore[attr-defined]  # newer than its stubs


class Streaming:
    """A servicer that streams; `on_end` is called when the server is about to end."""

    def __init__(
        self, handlers: Mapping[str, StreamHandler], on_end: Callable[[], None] = lambda: None
    ) -> None:
        self.handlers = handlers
        self._on_end = on_end

    def end_streams(self) -> None:
        self._on_end()


def add_streaming(servicer: Streaming, server: grpc.Server) -> None:
    """Adds its handlers as generated code would."""
    made = {
        name: grpc.unary_stream_rpc_method_handler(handler) for name, handler in servicer.handlers.items()
    }
    server.add_registered_method_handlers(STREAMING, made)  # type: ignore[attr-defined]  # newer than its stubs


def stream_method(channel: Any, name: str) -> Any:  # of a blocking or an asynchronous channel
    """The stub of one method that streams."""
    return channel.unary_stream(f"/{STREAMING}/{name}")


def method(channel: Any, name: str) -> Any:  # of a blocking or an asynchronous channel
    """The stub of one method."""
    return channel.unary_unary(f"/{SERVICE}/{name}")


@contextmanager
def serving(
    verifier: Verifier,
    handlers: Mapping[str, Handler],
    *,
    streaming: Streaming | None = None,
    bind: str = "127.0.0.1:0",
    check: Callable[[], None] = lambda: None,
    **limits: int,
) -> Iterator[RpcServer]:
    """A started server, on a free port unless told otherwise, stopped at the end. `limits` as RpcServer's."""
    servicers: list[tuple[Callable[[Any, grpc.Server], None], Any]] = [(add_handlers, handlers)]
    if streaming is not None:
        servicers.append((add_streaming, streaming))
    server = RpcServer(bind, servicers, verifier, check=check, **limits)
    server.start()
    try:
        yield server
    finally:
        server.stop(5)


def wait_until_idle(server: RpcServer, channel: grpc.Channel) -> None:
    """Until the channel is connected and nothing runs: its watch is a call, too, when it begins."""
    grpc.channel_ready_future(channel).result(timeout=10)
    counted: Any = server._server
    eventually(lambda: counted._state.active_rpc_count == 0)
