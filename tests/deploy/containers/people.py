"""Citizens who book, and a cooperative that hears of it, on an installation in containers."""

from __future__ import annotations

import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from deploy.broker.topology import cooperative_user
from deploy.local.instance import Instance
from deploy.local.secrets import Secrets
from deploy.local.servers import VHOST
from tests.faults.life import BOOK, Market, Purse
from tests.faults.load import Load
from tests.support.queue_reader import QueueReader
from tests.support.stack import Stack
from tests.system.world import World

PROVIDER = "ponte-sull-olona"
_MINUTES = 500 * 60


@dataclass(frozen=True)
class _Address:
    """As much of an Instance as a World asks for."""

    base_url: str


class ContainerWorld(World):
    """An installation in containers, known by its address and the directory of its secrets."""

    def __init__(self, base_url: str, secrets: Path) -> None:
        self._secrets = secrets
        if base_url.startswith("https:"):
            self.tls = ssl.create_default_context(cafile=secrets / "tls.crt")
        super().__init__(cast("Instance", _Address(base_url)))

    @cached_property
    def passwords(self) -> dict[str, str]:
        return dict(json.loads((self._secrets / "accounts.json").read_text()))


def booking(world: World, clients: int) -> Load:
    """So many citizens, each with a voucher for PROVIDER, who book one visit after the other with it."""
    citizens = [world.citizen() for _ in range(clients)]
    purses = [Purse(each, world.voucher(each, _MINUTES, PROVIDER), PROVIDER) for each in citizens]
    slots = {PROVIDER: [slot["id"] for slot in world.slots(PROVIDER, days=25)]}
    return Load(Market(world, slots), purses, {BOOK: 1}, pause_seconds=0.1)


def reader(stack: Stack, ports: Sequence[int]) -> QueueReader:
    """The system of PROVIDER, which reads by whichever node of the broker answers at one of these ports."""
    user = cooperative_user(PROVIDER)
    password = Secrets(stack.secrets).password(f"broker-{user}")
    urls = [f"amqp://{user}:{password}@127.0.0.1:{port}/{VHOST}" for port in ports]
    return QueueReader(urls, f"coop.{PROVIDER}")
