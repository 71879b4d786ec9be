"""What can be wrong with a territory's folder, said so that a person can go and mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class TerritoryError:
    """One mistake: the file's name inside the folder, the line (from 1), and the reason."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class TerritoryErrors(Exception):
    """All mistakes of a folder, sorted by file and line. Never empty."""

    def __init__(self, errors: Iterable[TerritoryError]) -> None:
        self.errors = tuple(sorted(set(errors)))
        super().__init__("\n".join(map(str, self.errors)))
