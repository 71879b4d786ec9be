"""psycopg's waiting for PostgreSQL, done by eventlet's hub.

psycopg's own, which waits with a selector that eventlet has patched, makes one for every statement: a third
of what a short one costs a worker.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, TypeVar

import psycopg
from eventlet.hubs import trampoline
from psycopg import waiting
from psycopg.waiting import Ready, Wait

if TYPE_CHECKING:
    from psycopg.abc import PQGen

Value = TypeVar("Value")


class _Elapsed(Exception):
    """Nothing happened for as long as psycopg wanted to wait."""


def use() -> None:
    """From now on psycopg waits so, in this process."""
    waiting.wait = _wait


def _wait(gen: PQGen[Value], fileno: int, interval: float = 0.0, timeout: float | None = None) -> Value:
    """As the functions of `psycopg.waiting` do."""
    if timeout is not None:
        return waiting.wait_selector(gen, fileno, interval, timeout)
    try:
        wanted = next(gen)
        while True:
            wanted = gen.send(_ready(wanted, fileno, interval))
    except StopIteration as end:
        value: Value = end.value
        return value


def _ready(wanted: Wait, fileno: int, interval: float) -> Ready:
    try:
        if wanted == Wait.R:
            trampoline(fileno, read=True, timeout=interval, timeout_exc=_Elapsed)
            return Ready.R
        if wanted == Wait.W:
            trampoline(fileno, write=True, timeout=interval, timeout_exc=_Elapsed)
            return Ready.W
        # More than the socket takes at once. The hub waits for one of the two only; its `select` for both.
        readable, writable, _ = select.select([fileno], [fileno], [], interval)
        return Ready((Ready.R if readable else Ready.NONE) | (Ready.W if writable else Ready.NONE))
    except _Elapsed:
        try:
            os.fstat(fileno)
        except OSError as error:
            raise psycopg.OperationalError("connection socket closed") from error
        return Ready.NONE
