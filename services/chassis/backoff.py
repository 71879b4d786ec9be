"""How long to wait before trying again."""

import random
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Pauses that double from `first_seconds` to `maximum_seconds`, each shortened at random by up to a half.

    The randomness keeps processes that failed together from coming back together.
    """

    first_seconds: float = 0.2
    maximum_seconds: float = 10.0
    _failures: int = field(default=0, init=False)

    def next_seconds(self) -> float:
        """The pause after one more failure."""
        longest: float = min(self.maximum_seconds, self.first_seconds * 2 ** min(self._failures, 32))
        self._failures += 1
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - not a secret

    def reset(self) -> None:
        """Start again from the shortest pause: something worked."""
        self._failures = 0
