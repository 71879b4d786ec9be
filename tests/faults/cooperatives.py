"""What a cooperative has: what reaches its queue, webhook and desks is remembered."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from deploy.demo.live_reader import LiveReader
from deploy.demo.receiver import Receiver
from services.contracts.access import PROVIDER_STAFF
from tests.faults.portal_page import PortalPage
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
        """Ids of the events that a desk of its own saw on the live feed, as they came."""
        self._desk = LiveReader(
            world.instance.base_url,
            token=lambda: _token(world, slug),
            heard=lambda event: self.seen.append(event["id"]),
        )
        role = f"{PROVIDER_STAFF}:{slug}"
        login = next(each.login for each in world.territory.staff if role in map(str, each.roles))
        self.page = PortalPage(world.instance.base_url, slug, login, world.passwords[login])
        for each in (self._desk, self.page):
            if not each.wait_looking(_LOOK_SECONDS):
                raise AssertionError(f"a desk of {slug} does not see its live feed")

    @property
    def queued(self) -> set[str]:
        """Ids of the events that came by its queue."""
        return set(self.reader.events)

    @property
    def notified(self) -> set[str]:
        """Ids of the events that came by webhook, rightly signed."""
        return set(self.receiver.received.events)

    def close(self) -> None:
        self.page.close()
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
