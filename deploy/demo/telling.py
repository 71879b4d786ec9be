"""How the story is told: each step with what happened and how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from deploy.demo.portal import Unexpected

T = TypeVar("T")

_WAIT_SECONDS = 20.0


class Step:
    """One step while it is told."""

    def __init__(self) -> None:
        self.facts: list[str] = []

    def tell(self, fact: str) -> None:
        """Something that happened, for the reader."""
        self.facts.append(fact)


class Teller:
    """Numbers the steps and prints them as they end."""

    def __init__(self) -> None:
        self._number = 0
        self._started = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Times a step; an Unexpected in it is printed with the step and goes on its way."""
        self._number += 1
        step, started = Step(), time.perf_counter()
        try:
            yield step
        except Unexpected as error:
            self._print(
                f"{self._number:2}. {title}", time.perf_counter() - started, [*step.facts, f"FAILED: {error}"]
            )
            raise
        self._print(f"{self._number:2}. {title}", time.perf_counter() - started, step.facts)

    def end(self) -> None:
        """The last line."""
        print(f"\nAll {self._number} steps as expected, in {time.monotonic() - self._started:.1f} s.")

    def _print(self, title: str, seconds: float, facts: list[str]) -> None:
        print(f"{title:<82}{seconds * 1000:8.0f} ms")
        for fact in facts:
            print(f"      {fact}")
        sys.stdout.flush()


def expect(condition: object, what: str) -> None:
    """Raises Unexpected unless the condition holds."""
    if not condition:
        raise Unexpected(f"expected {what}")


def eventually(probe: Callable[[], T | None], what: str) -> T:
    """The first answer of `probe` that is not None or empty. Raises Unexpected after 20 seconds."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise Unexpected(f"expected {what} within {_WAIT_SECONDS:.0f} s")
        time.sleep(0.01)
    return answer
