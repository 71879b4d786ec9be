"""Words of a search, and how far a misspelt one is from a right one."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[a-z0-9]+")
MAXIMUM_WORDS: Final = 8


def words(text: str) -> list[str]:
    """The words of a text without accents, capitals and punctuation, in order, each once.

    "L'attività è" → ["l", "attivita", "e"]
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    return list(dict.fromkeys(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))))


def is_one_slip_away(written: str, meant: str) -> bool:
    """Whether one letter left out, put in, changed or swapped with its neighbour makes one word the other.

    In words of eight letters and more two slips are forgiven; words of three letters and less must be right.
    """
    allowed = 0 if len(written) <= 3 else 1 if len(written) < 8 else 2
    return abs(len(written) - len(meant)) <= allowed and distance(written, meant) <= allowed


def distance(first: str, second: str) -> int:
    """Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours."""
    before: list[int] = []
    last = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            best = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, last = last, row
    return last[-1]
