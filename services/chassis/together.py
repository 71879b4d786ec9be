"""Doing at once what several threads want at the same time."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")


class Together(Generic[Given, Result]):
    """Calls `work` at once for everybody who asks while it is busy, or while its pause lasts.

    Who comes after a quiet moment is served without waiting for company, and nobody waits for more than may
    be served at once. The more there is to do, the more of it shares what doing it once costs, such as a
    transaction. Threads may be greenlets.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Given]], Sequence[Result]],
        *,
        at_most: int,
        every_seconds: float = 0.0,
    ) -> None:
        """`work` gets at most `at_most`, in the order of asking, and returns as many results. Only one thread
        at a time calls it, and it begins no more often than `every_seconds`, but for so many.
        """
        self._work = work
        self._at_most = at_most
        self._every_seconds = every_seconds
        self._next_at = 0.0
        self._waiting: deque[_Asked[Given, Result]] = deque()
        self._turn = threading.Lock()
        self._enough = threading.Event()

    def __call__(self, given: Given) -> Result:
        """The result for `given`; what `work` raised, to all for whom it was called."""
        asked = _Asked[Given, Result](given)
        self._waiting.append(asked)
        if len(self._waiting) >= self._at_most:
            self._enough.set()
        with self._turn:
            while asked.result is None and asked.error is None:
                self._serve()
        if asked.error is not None:
            raise asked.error
        return asked.result[0]  # type: ignore[index]  # the loop has ended

    def _serve(self) -> None:
        self._enough.clear()
        pause = self._next_at - time.monotonic()
        if pause > 0 and len(self._waiting) < self._at_most:
            self._enough.wait(pause)
        self._next_at = time.monotonic() + self._every_seconds
        served = [self._waiting.popleft() for _ in range(min(self._at_most, len(self._waiting)))]
        try:
            results = self._work([asked.given for asked in served])
            for asked, result in zip(served, results, strict=True):
                asked.result = (result,)
        except BaseException as error:
            for asked in served:
                asked.error = error
            if not isinstance(error, Exception):
                raise  # this thread is to end, whoever it served


class _Asked(Generic[Given, Result]):
    """Somebody who waits."""

    __slots__ = ("error", "given", "result")

    def __init__(self, given: Given) -> None:
        self.given = given
        self.result: tuple[Result] | None = None
        self.error: BaseException | None = None
