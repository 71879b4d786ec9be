"""What is known about the call being answered: who calls, with which idempotency key, and how much time is
left.

The server sets it around every handler; a test of a servicer without a server sets it with `answering`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import grpc

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.idempotency_key import checked_key


@dataclass(frozen=True, slots=True)
class Call:
    """One incoming call. `deadline` is an instant of time.monotonic(), or None outside any call."""

    caller: Caller = ANONYMOUS
    idempotency_key: str | None = None
    deadline: float | None = None


_NO_CALL = Call()
_current: ContextVar[Call] = ContextVar("ambito_call", default=_NO_CALL)


def caller_of(context: grpc.ServicerContext) -> Caller:  # noqa: ARG001  # as gRPC asks of a context
    """Who calls; ANONYMOUS if the call carried no token."""
    return _current.get().caller


def idempotency_key_of(context: grpc.ServicerContext) -> str | None:  # noqa: ARG001  # as gRPC asks of a context
    """The call's `idempotency-key`, or None. InvalidField if it is not 1 to 255 visible ASCII characters."""
    key = _current.get().idempotency_key
    return None if key is None else checked_key(key)


def remaining_seconds() -> float | None:
    """Seconds until the caller of the current call gives up (never negative), or None outside any call."""
    deadline = _current.get().deadline
    return None if deadline is None else max(0.0, deadline - time.monotonic())


@contextmanager
def answering(call: Call) -> Iterator[None]:
    """Makes `call` the current one inside the block."""
    token = _current.set(call)
    try:
        yield
    finally:
        _current.reset(token)
