"""Passwords: argon2id, a few at a time, at the same cost whether or not the account exists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.chassis.refusal import Unavailable

_LONGEST_WAIT_SECONDS = 3.0


class Passwords:
    """Hashes and verifies. Each hashing takes a processor and `memory_kib`; `concurrent` run at once.

    The defaults of the settings are OWASP's: 19 MiB, 2 iterations, 1 lane. Never call it inside a
    transaction.
    """

    def __init__(self, *, memory_kib: int, iterations: int, parallelism: int, concurrent: int) -> None:
        self._hasher = PasswordHasher(time_cost=iterations, memory_cost=memory_kib, parallelism=parallelism)
        self._turns = BoundedSemaphore(concurrent)
        self._nobodys = self._hasher.hash("the password of no account")

    def hash(self, password: str) -> str:
        """A salted hash that carries its own parameters. Unavailable if too many wait."""
        with self._turn():
            return self._hasher.hash(password)

    def verify(self, password: str, hashed: str | None) -> bool:
        """Whether `hashed` is of `password`; False, at the same cost, for None."""
        with self._turn():
            try:
                self._hasher.verify(self._nobodys if hashed is None else hashed, password)
            except (VerificationError, InvalidHashError):
                return False
            return hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=_LONGEST_WAIT_SECONDS):
            raise Unavailable(retry_after_seconds=2)
        try:
            yield
        finally:
            self._turns.release()
