"""Nobody comes first: the order in which a service's cooperatives are shown.

Social Points are staffed by cooperatives (domain notes §1.2), so the order must favour none and must be
provable afterwards: it follows from a recorded random seed by a public rule that anybody can compute again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

SEED_LIFETIME: Final = timedelta(hours=1)
"""A seed serves one service for one hour, so that a person who looks twice sees the same page."""


def shown_order(seed: str, offerings: Iterable[str]) -> list[str]:
    """Ids of offerings sorted by SHA-256 of `<seed>:<id>`."""
    return sorted(offerings, key=lambda offering: hashlib.sha256(f"{seed}:{offering}".encode()).digest())


def seed_period(now: datetime) -> datetime:
    """The start of the hour to which `now` belongs."""
    return now.replace(minute=0, second=0, microsecond=0)
