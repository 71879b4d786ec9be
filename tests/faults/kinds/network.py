"""Between the parts: a path that stalls, and one that cuts every connection."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.faults.fault import Fault
from tests.faults.paths import PATHS, WEBHOOKS
from tests.faults.site import Site

NAMES = frozenset({*(path.name for path in PATHS), WEBHOOKS})
_STALLED_SECONDS, _CUT_SECONDS = (1.0, 4.0), (0.2, 2.0)


@contextmanager
def stalled(site: Site, _chance: random.Random, path: str) -> Iterator[None]:
    proxies = site.proxies(path)
    for proxy in proxies:
        proxy.stall()
    try:
        yield
    finally:
        for proxy in proxies:
            proxy.heal()


@contextmanager
def cut(site: Site, _chance: random.Random, path: str) -> Iterator[None]:
    proxies = site.proxies(path)
    for proxy in proxies:
        proxy.reset()
    try:
        yield
    finally:
        for proxy in proxies:
            proxy.heal()


FAULTS = tuple(
    Fault(f"{path} {name}", partial(breaking, path=path), frozenset({path}), seconds)
    for path in sorted(NAMES)
    for name, breaking, seconds in (("stalls", stalled, _STALLED_SECONDS), ("cut", cut, _CUT_SECONDS))
)
