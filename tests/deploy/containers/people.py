"""Citizens who book, and a cooperative that hears of it, on an installation in containers."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import pika
from pika.exceptions import AMQPError

from deploy.broker.topology import cooperative_user
from deploy.local.instance import Instance
from deploy.local.secrets import Secrets
from deploy.local.servers import VHOST
from tests.faults.life import BOOK, Market, Purse
from tests.faults.load import Load
from tests.support.polling import eventually
from tests.support.stack import Stack
from tests.system.world import World

PROVIDER = "ponte-sull-olona"
_MINUTES = 500 * 60
_CONSUME_SECONDS = 0.5
_AGAIN_SECONDS = 0.5


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


class Reader:
    """A cooperative's system, which reads its queue by whichever node of the broker answers."""

    def __init__(self, stack: Stack, ports: Sequence[int]) -> None:
        self.events: list[str] = []
        """Ids, once for each time that they came."""
        user = cooperative_user(PROVIDER)
        password = Secrets(stack.secrets).password(f"broker-{user}")
        self._nodes = [
            pika.URLParameters(
                f"amqp://{user}:{password}@127.0.0.1:{port}/{VHOST}?heartbeat=5&socket_timeout=3"
                "&stack_timeout=6&blocked_connection_timeout=10"
            )
            for port in ports
        ]
        self._stop, self._connected = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read, name="cooperative", daemon=True)
        self._thread.start()
        eventually(self._connected.is_set)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=20)

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                self._consume()
            except (AMQPError, OSError):
                self._stop.wait(_AGAIN_SECONDS)

    def _consume(self) -> None:
        connection = pika.BlockingConnection(self._nodes)
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=50)
            taken = channel.consume(f"coop.{PROVIDER}", inactivity_timeout=_CONSUME_SECONDS)
            self._connected.set()
            for method, properties, _ in taken:
                if method is not None:
                    self.events.append(str(properties.headers["ce-id"]))
                    channel.basic_ack(method.delivery_tag)
                if self._stop.is_set():
                    return
        finally:
            if connection.is_open:
                connection.close()
