"""A RabbitMQ that believes its disk to be full: it reads nothing more from whoever publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from deploy.local.rabbitmq import FREE_DISK
from tests.support.polling import eventually

_MORE_THAN_ANY_DISK = "1000000GB"
_SECONDS = 60


@contextmanager
def disk_alarm(control: Callable[..., str], management: Callable[[], httpx.Client]) -> Iterator[None]:
    """While the block runs. `control` runs the node's `rabbitmqctl`, `management` is a client of its API."""

    def is_on() -> bool:
        with management() as client:
            return client.get("/api/health/checks/alarms").status_code == httpx.codes.SERVICE_UNAVAILABLE

    control("set_disk_free_limit", _MORE_THAN_ANY_DISK)
    try:
        eventually(is_on, timeout_seconds=_SECONDS)
        yield
    finally:
        control("set_disk_free_limit", FREE_DISK)
        eventually(lambda: not is_on(), timeout_seconds=_SECONDS)
