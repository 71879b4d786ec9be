"""Both clients: deadlines, retries of reads only, every replica, and what failures mean."""

import asyncio
import contextvars
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

from deploy.local.ports import free_port
from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.refusal import NotFound, Unavailable
from services.chassis.rpc import aio_client, client
from services.chassis.rpc.context import Call, answering, caller_of, idempotency_key_of
from services.chassis.rpc.server import RpcServer
from services.chassis.rpc.status import RemoteFailure, RemoteRefusal, RequestTooLarge
from services.chassis.tokens import TokenVerifier
from services.chassis.tracing import request_id, start_from
from tests.support.polling import eventually
from tests.support.rpc import SERVICE, method, serving
from tests.support.tokens import TokenIssuer

calls: Counter[str] = Counter()


def echo(request: bytes, context: grpc.ServicerContext) -> bytes:
    return b"|".join(
        [
            request,
            caller_of(context).subject.encode(),
            repr(idempotency_key_of(context)).encode(),
            str(request_id()).encode(),
        ]
    )


def sleepy(request: bytes, context: grpc.ServicerContext) -> bytes:
    threading.Event().wait(float(request))
    return b"awake"


def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
    raise NotFound(what="voucher", field="voucher_id")


def flaky(name: str) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    """Unavailable every first time for each request."""
    seen: set[bytes] = set()

    def handler(request: bytes, context: grpc.ServicerContext) -> bytes:
        calls[name] += 1
        if request not in seen:
            seen.add(request)
            raise Unavailable(retry_after_seconds=9)
        return b"recovered"

    return handler


def down(request: bytes, context: grpc.ServicerContext) -> bytes:
    calls["Down"] += 1
    raise Unavailable(retry_after_seconds=9)


HANDLERS = {
    "Echo": echo,
    "Sleep": sleepy,
    "Refuse": refuse,
    "Read": flaky("Read"),
    "Command": flaky("Command"),
    "Down": down,
}
READS = [f"{SERVICE}/Read", f"{SERVICE}/Down"]


class Blocking:
    """The blocking client, with one channel."""

    def __init__(self, target: str) -> None:
        self.channel = client.open_channel(target, retried_reads=READS)

    def __call__(
        self,
        name: str,
        request: bytes = b"",
        caller: Caller = ANONYMOUS,
        deadline_seconds: float = 5,
        key: str | None = None,
    ) -> bytes:
        answer: bytes = client.call(
            method(self.channel, name),
            request,
            caller=caller,
            deadline_seconds=deadline_seconds,
            idempotency_key=key,
        )
        return answer

    def close(self) -> None:
        self.channel.close()


class Asynchronous:
    """The asynchronous client in a loop of its own."""

    def __init__(self, target: str) -> None:
        self.runner = asyncio.Runner()
        self.runner.run(self._open(target))

    async def _open(self, target: str) -> None:
        self.channel = aio_client.open_channel(target, retried_reads=READS)

    def __call__(
        self,
        name: str,
        request: bytes = b"",
        caller: Caller = ANONYMOUS,
        deadline_seconds: float = 5,
        key: str | None = None,
    ) -> bytes:
        async def one() -> bytes:
            answer: bytes = await aio_client.call(
                method(self.channel, name),
                request,
                caller=caller,
                deadline_seconds=deadline_seconds,
                idempotency_key=key,
            )
            return answer

        return self.runner.run(one(), context=contextvars.copy_context())

    def close(self) -> None:
        self.runner.run(self.channel.close(None))
        self.runner.close()


Client = Blocking | Asynchronous


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> TokenIssuer:
    return TokenIssuer(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def server(issuer: TokenIssuer) -> Iterator[RpcServer]:
    with serving(TokenVerifier(issuer.jwks_file), HANDLERS) as started:
        yield started


@pytest.fixture(params=[Blocking, Asynchronous])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Client]]:
    made: list[Client] = []

    def connect_to(target: str) -> Client:
        made.append(request.param(target))
        return made[-1]

    yield connect_to
    for each in made:
        each.close()


@pytest.fixture
def send(connect: Callable[[str], Client], server: RpcServer) -> Client:
    return connect(f"127.0.0.1:{server.port}")


def test_token_key_and_request_id_travel_with_the_call(send: Client, issuer: TokenIssuer) -> None:
    with start_from(None, "request-1"):
        answer = send("Echo", b"hello", caller=issuer.caller("account-7"), key="key-1")
    assert answer == b"hello|account-7|'key-1'|request-1"


def test_a_refusal_is_raised_as_what_it_is(send: Client) -> None:
    with pytest.raises(RemoteRefusal) as caught:
        send("Refuse")
    assert (caught.value.type, caught.value.field) == ("not-found", "voucher_id")


def test_nobody_waits_longer_than_the_deadline(send: Client) -> None:
    with pytest.raises(Unavailable) as caught:
        send("Sleep", b"1", deadline_seconds=0.1)
    assert caught.value.retry_after_seconds


def test_nobody_waits_longer_than_their_own_caller(send: Client) -> None:
    with answering(Call(deadline=time.monotonic() + 0.1)), pytest.raises(Unavailable):
        send("Sleep", b"1", deadline_seconds=5)
    with answering(Call(deadline=time.monotonic() - 1)), pytest.raises(Unavailable):
        send("Echo", deadline_seconds=5)


def test_a_service_that_is_not_there_is_unavailable(connect: Callable[[str], Client]) -> None:
    nobody = connect(f"127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable) as caught:
        nobody("Echo", deadline_seconds=30)
    assert caught.value.retry_after_seconds


def test_it_is_found_again_when_it_comes_back(connect: Callable[[str], Client], tmp_path: Path) -> None:
    port = free_port()
    send = connect(f"127.0.0.1:{port}")
    with pytest.raises(Unavailable):
        send("Echo")

    def answered() -> bytes | None:
        try:
            return send("Echo", b"back")
        except Unavailable:
            return None

    with serving(TokenVerifier(tmp_path / "none.json"), HANDLERS, bind=f"127.0.0.1:{port}"):
        assert eventually(answered).startswith(b"back")


def test_a_method_that_is_not_there_is_a_fault(send: Client) -> None:
    with pytest.raises(RemoteFailure):
        send("Nothing")


def test_a_request_too_large_is_refused_before_it_is_sent(send: Client) -> None:
    with pytest.raises(RequestTooLarge):
        send("Echo", b"x" * (1024 * 1024 + 1))


def test_a_named_read_is_repeated_once(send: Client) -> None:
    calls.clear()
    assert send("Read", repr(send).encode()) == b"recovered"
    assert calls["Read"] == 2
    with pytest.raises(Unavailable) as caught:
        send("Down")
    assert calls["Down"] == 2
    assert caught.value.retry_after_seconds == 9


def test_a_command_is_never_repeated(send: Client) -> None:
    calls.clear()
    with pytest.raises(Unavailable):
        send("Command", repr(send).encode())
    assert calls["Command"] == 1


def test_calls_are_spread_over_all_replicas(connect: Callable[[str], Client], tmp_path: Path) -> None:
    def named(name: bytes) -> dict[str, Callable[[bytes, grpc.ServicerContext], bytes]]:
        return {"Name": lambda _request, _context: name}

    with ExitStack() as stack:
        replicas = [
            stack.enter_context(serving(TokenVerifier(tmp_path / "none.json"), named(name)))
            for name in (b"a", b"b")
        ]
        send = connect("ipv4:" + ",".join(f"127.0.0.1:{replica.port}" for replica in replicas))
        eventually(lambda: {send("Name") for _ in range(4)} == {b"a", b"b"})
        answers = Counter(send("Name") for _ in range(10))
    assert answers == {b"a": 5, b"b": 5}


def test_no_command_fails_while_replicas_end_one_after_the_other(tmp_path: Path) -> None:
    """Commands are never repeated, so none may reach a replica that ends."""

    def brief(request: bytes, context: grpc.ServicerContext) -> bytes:
        time.sleep(0.003)
        return request

    over = threading.Event()

    def send_on(send: Blocking) -> int:
        sent = 0
        while not over.is_set():
            send("Command")
            sent += 1
        return sent

    with ExitStack() as stack:
        replicas = [
            stack.enter_context(serving(TokenVerifier(tmp_path / "none.json"), {"Command": brief}))
            for _ in range(6)
        ]
        send = Blocking("ipv4:" + ",".join(f"127.0.0.1:{replica.port}" for replica in replicas))
        stack.callback(send.close)
        pool = stack.enter_context(ThreadPoolExecutor(8))
        stack.callback(over.set)
        senders = [pool.submit(send_on, send) for _ in range(8)]
        for replica in replicas[:-1]:
            replica.stop(5, announced_seconds=0.5)
        over.set()
        assert min(sender.result() for sender in senders) > 0


@pytest.mark.parametrize("name", ["", "Read", "/"])
def test_a_read_must_be_named_in_full(name: str) -> None:
    with pytest.raises(ValueError, match="full method name"):
        client.open_channel("127.0.0.1:1", retried_reads=[name])
