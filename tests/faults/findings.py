"""What a reckoning finds amiss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Findings:
    """One sentence for each; all empty when every promise was kept."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged, or told, and not there."""
    doubled: list[str] = field(default_factory=list)
    """There more often than it was acknowledged or told."""
    wrong: list[str] = field(default_factory=list)
    """Everything else that must not be: a wrong answer, a number that does not add up."""

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.wrong)

    def compare(self, what: str, wanted: Iterable[str], found: Iterable[str]) -> None:
        """Each of `wanted` must be in `found` once, and nothing else."""
        expected, there = Counter(wanted), Counter(found)
        self.lost += [f"{what}: {each}" for each in (expected - there)]
        self.doubled += [f"{what}: {each}" for each in (there - expected)]

    def require(self, what: str, wanted: Iterable[str], found: set[str]) -> None:
        """Each of `wanted` must be in `found`; what else is there does not matter."""
        self.lost += [f"{what}: {each}" for each in wanted if each not in found]
