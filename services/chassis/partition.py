"""A part of a service's events that has a queue, and workers, of its own."""

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_MAX_WORDS: Final = 30
"""A queue's name has at most 255 bytes."""


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """Events whose routing key has one of these words at its third place."""

    words: tuple[str, ...]
    """In order, each once."""

    def __post_init__(self) -> None:
        """ValueError unless the words are such as can be bound and named."""
        if not 1 <= len(self.words) <= _MAX_WORDS:
            raise ValueError(f"a partition has 1 to {_MAX_WORDS} words, not {len(self.words)}")
        for word in self.words:
            if not _WORD.fullmatch(word):
                raise ValueError(f"{word!r} is not a word of letters and digits")
        if list(self.words) != sorted(set(self.words)):
            raise ValueError(f"a partition's words are in order and different: {self.words}")

    @classmethod
    def of(cls, *words: str) -> "Partition":
        """ValueError if one is not a word, or is there twice."""
        return cls(tuple(sorted(words)))

    @classmethod
    def parse(cls, text: str) -> "Partition | None":
        """`B1,A2` in any order; None if `text` is empty. ValueError if it is something else."""
        return cls.of(*(word.strip() for word in text.split(","))) if text.strip() else None

    @property
    def name(self) -> str:
        """The same for the same words, and of no other partition."""
        return "-".join(self.words)


def partition_words(text: str) -> str:
    """`text` if it is empty or says a partition, for settings; else ValueError."""
    Partition.parse(text)
    return text
