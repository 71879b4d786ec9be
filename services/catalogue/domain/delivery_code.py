"""The six digits by which a person proves that a visit took place.

They are derived from the booking's id with a secret of the service and stored nowhere. A million
possibilities and few attempts make guessing hopeless; what is counted are the wrong ones.
"""

from __future__ import annotations

import hmac
from typing import Final
from uuid import UUID

MAXIMUM_WRONG_CODES: Final = 5


def delivery_code(secret: bytes, booking_id: UUID) -> str:
    """Six decimal digits."""
    digest = hmac.digest(secret, b"delivery-code:" + booking_id.bytes, "sha256")
    return f"{int.from_bytes(digest[:8]) % 1_000_000:06d}"


def is_delivery_code(code: str, secret: bytes, booking_id: UUID) -> bool:
    """Whether `code` is the booking's, compared in constant time."""
    return hmac.compare_digest(code.encode(), delivery_code(secret, booking_id).encode())
