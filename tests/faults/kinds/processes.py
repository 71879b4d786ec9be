"""Processes that are killed, stopped in order and started again, or frozen."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from deploy.local.environment import SERVICES
from tests.faults.fault import Fault
from tests.faults.site import Site
from tests.support.polling import eventually

PROGRAMS = (
    "gateway",
    *(f"{service}-{process}" for service in SERVICES for process in ("grpc", "worker", "relay")),
    "notifications-deliver",
)
FROZEN = (
    "vouchers-grpc",
    "catalogue-grpc",
    # A frozen relay makes events late, a frozen worker lets them pile up.
    "catalogue-relay",
    "vouchers-worker",
)
MAIL_SERVER = "mail"
"""Somebody else's, in life. What it does not take is tried again after half a minute, and then five."""
_COMES_BACK_SECONDS = 30


@contextmanager
def killed(site: Site, _chance: random.Random, program: str) -> Iterator[None]:
    """`kill -9`; the supervisor starts it again."""
    before = site.instance.pid(program)
    site.instance.kill(program, signal.SIGKILL)
    eventually(lambda: site.instance.pid(program) not in {0, before}, timeout_seconds=_COMES_BACK_SECONDS)
    yield


@contextmanager
def restarted(site: Site, _chance: random.Random, program: str) -> Iterator[None]:
    """SIGTERM, and started again when it has ended, as for a new version."""
    site.instance.restart(program)
    yield


@contextmanager
def frozen(site: Site, _chance: random.Random, program: str) -> Iterator[None]:
    """SIGSTOP until SIGCONT: it is there and does not answer."""
    site.instance.kill(program, signal.SIGSTOP)
    try:
        yield
    finally:
        site.instance.kill(program, signal.SIGCONT)


FAULTS = (
    Fault("kill -9 the mail server", partial(killed, program=MAIL_SERVER), frozenset({MAIL_SERVER})),
    *(
        Fault(f"{how} {name}", partial(breaking, program=name), frozenset({name}), heavy=True)
        for how, breaking in (("kill -9", killed), ("SIGTERM", restarted))
        for name in PROGRAMS
    ),
    *(
        Fault(f"SIGSTOP {name}", partial(frozen, program=name), frozenset({name}), (1.0, 4.0))
        for name in FROZEN
    ),
)
