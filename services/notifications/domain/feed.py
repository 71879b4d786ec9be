"""The cursor of a cooperative's feed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.chassis.refusal import InvalidField

_CURSOR = re.compile(r"([0-9]{1,19})-([0-9]{1,18})")


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the feed: after the event that transaction `xid` wrote at `position`. Opaque to readers."""

    xid: int = 0
    position: int = 0

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """What `str` gave; the empty text is the beginning. Raises InvalidField `after`."""
        if not text:
            return cls()
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise InvalidField(
                field="after", it="Il cursore non è valido.", en="The cursor is not one that the feed gave."
            )
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.xid}-{self.position}"
