"""What a fault is: something that is broken for a while, and then mended."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.faults.site import Site

Breaking = Callable[[Site, random.Random], AbstractContextManager[None]]
"""Breaks on entry, mends on exit; returns from there when the part is back, which is before all is well."""


@dataclass(frozen=True)
class Fault:
    """One kind of fault."""

    name: str
    breaking: Breaking
    parts: frozenset[str]
    """What it takes hold of; two faults at once must not share any."""
    seconds: tuple[float, float] = (0.0, 0.0)
    """How long it stays broken, at least and at most."""
    heavy: bool = False
    """Whether something has to start again after it, which keeps the machine busy for seconds."""

    def strike(self, site: Site, seconds: float, seed: int) -> None:
        """Break, wait, mend."""
        with self.breaking(site, random.Random(seed)):  # noqa: S311 - chance
            time.sleep(seconds)
