"""Between the parts: a path that stalls, and one that cuts every connection."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tests.faults.fault import Fault
from tests.faults.site import Site
from tests.support.proxy import Proxy

Path = Callable[[Site], Proxy]


@contextmanager
def stalled(site: Site, _chance: random.Random, path: Path) -> Iterator[None]:
    proxy = path(site)
    proxy.stall()
    try:
        yield
    finally:
        proxy.heal()


@contextmanager
def cut(site: Site, _chance: random.Random, path: Path) -> Iterator[None]:
    proxy = path(site)
    proxy.reset()
    try:
        yield
    finally:
        proxy.heal()


def _to_vouchers(site: Site) -> Proxy:
    return site.vouchers_proxy


def _to_the_broker(site: Site) -> Proxy:
    return site.broker_proxy


_VOUCHERS, _BROKER = frozenset({"path to vouchers"}), frozenset({"path to the broker"})
FAULTS = (
    Fault("catalogue → vouchers stalls", partial(stalled, path=_to_vouchers), _VOUCHERS, (1.0, 5.0)),
    Fault("catalogue → vouchers cut", partial(cut, path=_to_vouchers), _VOUCHERS, (0.2, 3.0)),
    Fault("services → broker stalls", partial(stalled, path=_to_the_broker), _BROKER, (2.0, 7.0)),
    Fault("services → broker cut", partial(cut, path=_to_the_broker), _BROKER, (0.2, 3.0)),
)
