"""The systems of a cooperative: what reaches its queue, webhook and desk is remembered by event id."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from deploy.demo.live_reader import LiveReader
from deploy.demo.receiver import Receiver
from tests.support.proxy import Proxy
from tests.support.queue_reader import QueueReader
from tests.system.world import World

_LOOK_SECONDS = 20.0


class Cooperative:
    """Connected until closed."""

    def __init__(self, world: World, slug: str) -> None:
        self.slug = slug
        self.receiver = Receiver()
        address = urlsplit(self.receiver.url)
        self.way_in = Proxy(lambda: int(address.port or 0))
        """What its webhooks come through."""
        portal = world.client(slug)
        url = address._replace(netloc=f"127.0.0.1:{self.way_in.port}").geturl()
        made = portal.ok(portal.post("/webhook-endpoints", {"url": url}))
        self.receiver.secret = made["secret"]
        self.endpoint = str(made["endpoint"]["id"])
        self.reader = QueueReader([world.instance.cooperative_amqp_url(slug)], f"coop.{slug}")
        self.seen: list[str] = []
        """Ids of the events that its desk saw on the live feed, as they came."""
        self._desk = LiveReader(
            world.instance.base_url,
            token=lambda: _token(world, slug),
            heard=lambda event: self.seen.append(event["id"]),
        )
        if not self._desk.wait_looking(_LOOK_SECONDS):
            raise AssertionError(f"the desk of {slug} does not see its live feed")

    @property
    def queued(self) -> set[str]:
        """Ids of the events that came by its queue."""
        return set(self.reader.events)

    @property
    def notified(self) -> set[str]:
        """Ids of the events that came by webhook, rightly signed."""
        return set(self.receiver.received.events)

    def close(self) -> None:
        self._desk.close()
        self.reader.close()
        self.way_in.close()
        self.receiver.close()


def _token(world: World, slug: str) -> str:
    """A new token; HTTPError, after which a reader asks again, if there is none now."""
    try:
        return world.client_token(slug)
    except AssertionError as refused:
        raise httpx.HTTPError(str(refused)) from refused
