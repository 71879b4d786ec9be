"""Waiting for what other processes do: by asking until it is so, never by sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

PATIENCE_SECONDS = 30.0
"""For what takes a second or two on an idle machine: a deadline is for what hangs, not for what is slow."""

T = TypeVar("T")
About = TypeVarTuple("About")


def eventually(
    probe: Callable[[*About], T | None], *about: *About, timeout_seconds: float = PATIENCE_SECONDS
) -> T:
    """The first truthy answer of `probe`, given `about`; its AssertionErrors count as "not yet" until the
    time is over.

    A question that takes long is asked half of the time at most: what is waited for wants the machine, too.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        asked = time.monotonic()
        failure: AssertionError | None = None
        answer: T | None = None
        try:
            answer = probe(*about)
        except AssertionError as error:
            failure = error
        if answer:
            return answer
        now = time.monotonic()
        if now > deadline:
            raise failure or AssertionError(f"still {answer!r} after {timeout_seconds} s")
        time.sleep(min(max(0.02, now - asked), 2))
