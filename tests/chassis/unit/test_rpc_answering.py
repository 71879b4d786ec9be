"""Parts of the wrapper that a real server shows only now and then."""

from typing import Any, cast

import grpc
import pytest

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.rpc.answering import Answering
from services.chassis.rpc.streaming import Streams


class Aborted(Exception):
    """What gRPC raises out of a call that was ended with a status."""


class Context:
    """A call with so many seconds left."""

    def __init__(self, remaining_seconds: float) -> None:
        self._remaining_seconds = remaining_seconds
        self.status: grpc.Status | None = None

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    def time_remaining(self) -> float:
        return self._remaining_seconds

    def abort_with_status(self, status: grpc.Status) -> None:
        self.status = status
        raise Aborted


class NoTokens:
    def verify(self, _token: str) -> Caller:
        return ANONYMOUS


def wrapped(behaviour: Any) -> Any:  # a handler and what gRPC makes of it
    handler = grpc.unary_unary_rpc_method_handler(behaviour)
    return (
        Answering(NoTokens(), Streams(1), deadline_cap_seconds=10)
        .wrapped("test.Test/Do", handler)
        .unary_unary
    )


def test_a_call_that_expired_before_its_turn_does_not_begin() -> None:
    begun: list[bytes] = []

    def handler(request: bytes, _context: grpc.ServicerContext) -> bytes:
        begun.append(request)
        return b"done"

    assert wrapped(handler)(b"in time", Context(0.5)) == b"done"
    late = Context(0)
    with pytest.raises(Aborted):
        wrapped(handler)(b"late", late)
    assert begun == [b"in time"]
    assert cast(grpc.Status, late.status).code is grpc.StatusCode.DEADLINE_EXCEEDED
