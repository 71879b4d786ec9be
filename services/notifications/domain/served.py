"""Which cooperatives' webhooks a process delivers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Served:
    """Only these cooperatives; if there are none, all but those."""

    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The same for all processes that serve the same cooperatives alone; empty for those that serve the
        others.
        """
        return ",".join(self.only)


ALL: Final = Served()


def slugs(text: str) -> tuple[str, ...]:
    """`casa-tiglio,cedro-azzurro`, in order, each once; none if `text` is empty. ValueError if one is no
    slug.
    """
    found = [word.strip() for word in text.split(",")] if text.strip() else []
    for word in found:
        if not _SLUG.fullmatch(word):
            raise ValueError(f"{word!r} is no cooperative's slug")
    return tuple(sorted(set(found)))
