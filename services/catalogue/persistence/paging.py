"""Cursors: where a page ended, as text that means nothing to others."""

from __future__ import annotations

import base64
import json
from typing import Any

from services.chassis.refusal import InvalidField


def cursor_of(*position: Any) -> str:
    """The cursor after the entry at `position`."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def position_of(cursor: str, *types: type) -> list[Any] | None:
    """The position in a cursor, None if it is empty. Raises InvalidField if it is not one of ours."""
    if not cursor:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise _invalid() from None
    if not isinstance(position, list) or [type(part) for part in position] != list(types):
        raise _invalid()
    if not all(map(_can_be_kept, position)):
        raise _invalid()
    return position


def _can_be_kept(part: int | str) -> bool:
    """Whether PostgreSQL has such a value: a bigint, or text without NUL and halves of characters."""
    return part.isprintable() if isinstance(part, str) else -(2**63) <= part < 2**63


def _invalid() -> InvalidField:
    return InvalidField(field="cursor", it="Il cursore non è valido.", en="The cursor is not valid.")
