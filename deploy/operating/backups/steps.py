"""What the person at the terminal sees of work in steps: one bar for each, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress, TaskID

from deploy.operating.terminal import Terminal

Tell = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is done, and of how much; 0 of 0: nobody knows."""


@contextmanager
def steps(terminal: Terminal) -> Iterator[Tell]:
    """Bars on standard error; a step is over when the next one begins, or all are."""
    with terminal.progress() as progress:
        bars = _Bars(progress)
        yield bars.tell
        bars.end()


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._what = ""
        self._bar: TaskID | None = None

    def tell(self, what: str, done: int = 0, total: int = 0) -> None:
        if what != self._what or self._bar is None:
            self.end()
            self._what, self._bar = what, self._progress.add_task(what, total=total or None)
        self._progress.update(self._bar, completed=done, total=total or None)

    def end(self) -> None:
        if self._bar is not None:
            total = self._progress.tasks[self._bar].total or 1
            self._progress.update(self._bar, completed=total, total=total)
