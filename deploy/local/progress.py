"""What the person at the terminal sees while something is being done."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Numberless steps: a line when one begins, the time it took when it ends."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stdout.isatty()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Announce a step and say how long it took; a failing one is marked and its error goes on."""
        started = time.monotonic()
        if self._terminal:
            self._write(f"  … {text}", end="")
        try:
            yield
        except BaseException:
            self._write(f"{self._again()}  ✗ {text}")
            raise
        self._write(f"{self._again()}  ✓ {text} ({time.monotonic() - started:.1f} s)")

    def say(self, text: str = "") -> None:
        """A line of its own."""
        self._write(text)

    def _again(self) -> str:
        return "\r\033[K" if self._terminal else ""

    def _write(self, text: str, end: str = "\n") -> None:
        if not self._quiet:
            print(text, end=end, flush=True)
