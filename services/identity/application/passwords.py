"""Passwords: argon2id, a few at a time, at the same cost whether or not the account exists."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.chassis.refusal import Unavailable

_LONGEST_WAIT_SECONDS = 3.0

Answer = TypeVar("Answer")


class Passwords:
    """Hashes and verifies. Each hashing takes a processor and `memory_kib`; `concurrent` run at once.

    The defaults of the settings are OWASP's: 19 MiB, 2 iterations, 1 lane. Never call it inside a
    transaction.
    """

    def __init__(self, *, memory_kib: int, iterations: int, parallelism: int, concurrent: int) -> None:
        self._hasher = PasswordHasher(time_cost=iterations, memory_cost=memory_kib, parallelism=parallelism)
        # Threads of their own: the C library keeps the memory of a hashing for the thread that did it.
        self._hashing = ThreadPoolExecutor(concurrent, thread_name_prefix="hashing")
        self._nobodys = self.hash("the password of no account")

    def hash(self, password: str) -> str:
        """A salted hash that carries its own parameters. Unavailable if too many wait."""
        return self._in_turn(lambda: self._hasher.hash(password))

    def verify(self, password: str, hashed: str | None) -> bool:
        """Whether `hashed` is of `password`; False, at the same cost, for None. Unavailable as above."""
        return self._in_turn(lambda: self._is(password, hashed))

    def is_outdated(self, hashed: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def _is(self, password: str, hashed: str | None) -> bool:
        try:
            self._hasher.verify(self._nobodys if hashed is None else hashed, password)
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None

    def _in_turn(self, work: Callable[[], Answer]) -> Answer:
        turn = self._hashing.submit(work)
        try:
            return turn.result(_LONGEST_WAIT_SECONDS)
        except TimeoutError:
            turn.cancel()
            raise Unavailable(retry_after_seconds=2) from None
