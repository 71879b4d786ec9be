"""What clients were told, counted: by operation, and by answer."""

from __future__ import annotations

import threading
from collections import Counter


class Records:
    """Safe for concurrent use. An answer is shown as its status and, if it is a refusal, its name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._acknowledged: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._wrong: list[str] = []

    def acknowledge(self, operation: str) -> None:
        """An operation had its definite answer, and it was the one that was wanted."""
        with self._lock:
            self._acknowledged[operation] += 1

    def see(self, answer: str) -> None:
        """Something came back, or nothing did."""
        with self._lock:
            self._seen[answer] += 1

    def blame(self, sentence: str) -> None:
        """Something was answered that must never be."""
        with self._lock:
            self._wrong.append(sentence)

    @property
    def acknowledged(self) -> Counter[str]:
        with self._lock:
            return Counter(self._acknowledged)

    @property
    def seen(self) -> Counter[str]:
        with self._lock:
            return Counter(self._seen)

    @property
    def wrong(self) -> list[str]:
        with self._lock:
            return list(self._wrong)
