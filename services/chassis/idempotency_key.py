"""What an idempotency key looks like; apart from `idempotency`, for those who have no database."""

from __future__ import annotations

import re

from services.chassis.refusal import InvalidField

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def checked_key(key: str) -> str:
    """`key` if it is 1 to 255 visible ASCII characters without spaces; else InvalidField."""
    if _KEY.fullmatch(key) is None:
        raise InvalidField(
            field="idempotency_key",
            it="La chiave di idempotenza deve avere da 1 a 255 caratteri ASCII visibili, senza spazi.",
            en="The idempotency key must be 1 to 255 visible ASCII characters, without spaces.",
        )
    return key
