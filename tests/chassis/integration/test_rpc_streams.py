"""Answers that are streamed: beside all other calls, bounded, and refused like any other."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.refusal import NotFound, Refusal, Unavailable
from services.chassis.rpc import aio_client
from services.chassis.rpc.client import call, open_channel
from services.chassis.rpc.context import caller_of, remaining_seconds
from services.chassis.rpc.server import RpcServer
from services.chassis.rpc.status import RemoteFailure, RemoteRefusal, refusal_from
from services.chassis.tokens import TokenVerifier
from tests.support.polling import eventually
from tests.support.rpc import STREAMING, Streaming, method, serving, stream_method
from tests.support.tokens import TokenIssuer


@dataclass
class Told:
    """Handlers that stream what the test tells, until it tells None, or whoever asked has left."""

    open: list[queue.Queue[bytes | None]] = field(default_factory=list)
    left: list[bytes] = field(default_factory=list)

    def tell(self, *answers: bytes | None) -> None:
        for each in self.open:
            for answer in answers:
                each.put(answer)

    def stream(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        mine: queue.Queue[bytes | None] = queue.Queue()
        self.open.append(mine)
        if not context.add_callback(lambda: mine.put(None)):
            mine.put(None)  # it has left already
        try:
            while (answer := mine.get(timeout=30)) is not None:
                yield answer
        finally:
            self.open.remove(mine)
            self.left.append(request)


def who(_request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    yield caller_of(context).subject.encode()
    yield caller_of(context).subject.encode()  # it is still known later on


def left(_request: bytes, _context: grpc.ServicerContext) -> Iterator[bytes]:
    yield repr(remaining_seconds()).encode()


def refuse_later(_request: bytes, _context: grpc.ServicerContext) -> Iterator[bytes]:
    yield b"first"
    raise NotFound(what="voucher", field="voucher_id")


def fail_later(_request: bytes, _context: grpc.ServicerContext) -> Iterator[bytes]:
    yield b"first"
    raise RuntimeError("secret")


@pytest.fixture
def issuer(tmp_path_factory: pytest.TempPathFactory) -> TokenIssuer:
    return TokenIssuer(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    yield made
    made.tell(None)


@contextmanager
def started(issuer: TokenIssuer, told: Told, **limits: Any) -> Iterator[tuple[RpcServer, grpc.Channel]]:
    streams = {
        "Told": told.stream,
        "Who": who,
        "Left": left,
        "RefuseLater": refuse_later,
        "FailLater": fail_later,
    }
    streaming = Streaming(streams, on_end=lambda: told.tell(None))
    echo = {"Echo": lambda request, _context: request}
    with (
        serving(TokenVerifier(issuer.jwks_file), echo, streaming=streaming, **limits) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield server, channel


def begun(channel: grpc.Channel, name: str, request: bytes = b"", token: str = "") -> Any:
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    return stream_method(channel, name)(request, timeout=20, metadata=metadata)


def refusal_of(stream: Any) -> Refusal | RemoteFailure:
    with pytest.raises(grpc.RpcError) as failed:
        list(stream)
    return refusal_from(failed.value)


def test_each_answer_comes_when_it_is_given_and_other_calls_are_answered_meanwhile(
    issuer: TokenIssuer, told: Told
) -> None:
    with started(issuer, told, threads=1) as (_, channel):
        streams = [begun(channel, "Told") for _ in range(3)]
        eventually(lambda: len(told.open) == 3)
        for answer in (b"one", b"two"):
            told.tell(answer)
            assert [next(each) for each in streams] == [answer] * 3
            assert call(method(channel, "Echo"), answer, caller=ANONYMOUS, deadline_seconds=5) == answer
        told.tell(None)
        assert [list(each) for each in streams] == [[]] * 3


def with_a_place(channel: grpc.Channel, told: Told, number: int) -> Any:
    """A stream that is the `number`th at once; None if it found no place."""
    stream = begun(channel, "Told")
    eventually(lambda: stream.done() or len(told.open) == number)
    return None if stream.done() else stream


def test_there_is_room_for_so_many(issuer: TokenIssuer, told: Told) -> None:
    with started(issuer, told, maximum_streams=2) as (_, channel):
        first = begun(channel, "Told", b"first")
        second = begun(channel, "Told", b"second")
        eventually(lambda: len(told.open) == 2)
        for _ in range(5):
            refusal = refusal_of(begun(channel, "Told"))
            assert isinstance(refusal, Unavailable)
            assert refusal.retry_after_seconds
        first.cancel()
        eventually(lambda: told.left == [b"first"])
        third = eventually(lambda: with_a_place(channel, told, 2))
        told.tell(b"news")
        assert [next(each) for each in (second, third)] == [b"news"] * 2


def test_who_leaves_is_no_longer_told(issuer: TokenIssuer, told: Told) -> None:
    with started(issuer, told) as (_, channel):
        stream = begun(channel, "Told", b"leaving")
        eventually(lambda: told.open)
        stream.cancel()
        eventually(lambda: told.left == [b"leaving"])
        assert told.open == []


def test_the_token_is_verified_and_known_throughout(issuer: TokenIssuer, told: Told) -> None:
    with started(issuer, told) as (_, channel):
        assert list(begun(channel, "Who", token=issuer.token("account-7"))) == [b"account-7"] * 2
        assert list(begun(channel, "Who")) == [b"", b""]
        expired = refusal_of(begun(channel, "Who", token=issuer.token("x", lifetime_seconds=-1)))
        assert isinstance(expired, RemoteRefusal)
        assert expired.type == "token-expired"


def test_a_stream_needs_a_deadline_and_lasts_no_longer_than_the_cap(issuer: TokenIssuer, told: Told) -> None:
    with started(issuer, told, deadline_cap_seconds=3) as (_, channel):
        without = refusal_of(stream_method(channel, "Left")(b""))
        assert isinstance(without, RemoteRefusal)
        assert without.type == "deadline-required"
        assert 2 < float(next(begun(channel, "Left"))) <= 3


@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [("RefuseLater", "NOT_FOUND", RemoteRefusal), ("FailLater", "INTERNAL", RemoteFailure)],
)
def test_what_goes_wrong_later_is_told_after_what_was_sent(
    issuer: TokenIssuer, told: Told, name: str, code: str, kind: type[Exception]
) -> None:
    def counted() -> float:
        labels = {"method": f"{STREAMING}/{name}", "code": code}
        return REGISTRY.get_sample_value("rpc_calls_total", labels) or 0.0

    before = counted()
    with started(issuer, told) as (_, channel):
        stream = begun(channel, name)
        assert next(stream) == b"first"
        assert isinstance(refusal_of(stream), kind)
        eventually(lambda: counted() == before + 1)


def stopped(issuer: TokenIssuer, told: Told, on_end: Callable[[], None]) -> str:
    """How a stream ends, or whether it does, when its server is told to end within seconds."""
    streaming = Streaming({"Told": told.stream}, on_end)
    with (
        serving(TokenVerifier(issuer.jwks_file), {}, streaming=streaming) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
        ThreadPoolExecutor(1) as pool,
    ):
        stream = begun(channel, "Told")
        eventually(lambda: told.open)
        stopping = pool.submit(server.stop, 3)
        try:
            list(stream)
        except grpc.RpcError as error:
            return str(error.code().name)
        finally:
            stopping.result()
    return "OK"


def test_a_server_that_ends_ends_its_streams_first(issuer: TokenIssuer, told: Told) -> None:
    assert stopped(issuer, told, lambda: told.tell(None)) == "OK"


def test_a_stream_that_is_not_told_of_the_end_is_cut_off(issuer: TokenIssuer, told: Told) -> None:
    assert stopped(issuer, told, lambda: None) != "OK"


def test_the_asynchronous_client_hears_each_answer_and_each_refusal(issuer: TokenIssuer, told: Told) -> None:
    async def heard(port: int, name: str, caller: Caller) -> list[object]:
        found: list[object] = []
        async with aio_client.open_channel(f"127.0.0.1:{port}") as channel:
            answers = aio_client.stream(stream_method(channel, name), b"", caller=caller, deadline_seconds=20)
            try:
                async for answer in answers:
                    found.append(answer)
                    if name == "Told":
                        told.tell(None)
            except (Refusal, RemoteFailure) as error:
                found.append(type(error))
        return found

    with started(issuer, told) as (server, _), ExitStack() as stack:
        port = server.port
        assert asyncio.run(heard(port, "Who", issuer.caller("account-7"))) == [b"account-7"] * 2
        assert asyncio.run(heard(port, "RefuseLater", ANONYMOUS)) == [b"first", RemoteRefusal]
        assert asyncio.run(heard(port, "FailLater", ANONYMOUS)) == [b"first", RemoteFailure]

        def tell_once_there_is_somebody() -> None:
            eventually(lambda: told.open)
            told.tell(b"news")

        teller = threading.Thread(target=tell_once_there_is_somebody)
        stack.callback(teller.join)
        teller.start()
        assert asyncio.run(heard(port, "Told", ANONYMOUS)) == [b"news"]
    assert asyncio.run(heard(port, "Who", ANONYMOUS)) == [Unavailable]
