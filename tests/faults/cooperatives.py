"""The systems of a cooperative: what reaches its queue and its webhook is remembered by event id."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import pika
from pika.exceptions import AMQPError

from deploy.demo.receiver import Receiver
from tests.support.polling import eventually
from tests.support.proxy import Proxy
from tests.system.world import World

_CONSUME_SECONDS = 0.5
_AGAIN_SECONDS = 0.5


class Cooperative:
    """Connected until closed: a good partner, who connects again and acknowledges what is stored."""

    def __init__(self, world: World, slug: str) -> None:
        self.slug = slug
        self._world = world
        self.queued: set[str] = set()
        self.receiver = Receiver()
        address = urlsplit(self.receiver.url)
        self.way_in = Proxy(lambda: int(address.port or 0))
        """What its webhooks come through."""
        portal = world.client(slug)
        url = address._replace(netloc=f"127.0.0.1:{self.way_in.port}").geturl()
        made = portal.ok(portal.post("/webhook-endpoints", {"url": url}))
        self.receiver.secret = made["secret"]
        self.endpoint = str(made["endpoint"]["id"])
        self._stop = threading.Event()
        self._connected = threading.Event()
        self._reader = threading.Thread(target=self._read, name=f"coop.{slug}", daemon=True)
        self._reader.start()
        eventually(self._connected.is_set)

    @property
    def notified(self) -> set[str]:
        """Ids of the events that came by webhook, rightly signed."""
        return set(self.receiver.received.events)

    def close(self) -> None:
        self._stop.set()
        self._reader.join(timeout=20)
        self.way_in.close()
        self.receiver.close()

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                self._consume()
            except (AMQPError, OSError):
                self._stop.wait(_AGAIN_SECONDS)

    def _consume(self) -> None:
        parameters = pika.URLParameters(self._world.instance.cooperative_amqp_url(self.slug))
        parameters.heartbeat = 10
        parameters.socket_timeout = 3
        parameters.blocked_connection_timeout = 10
        connection = pika.BlockingConnection(parameters)
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=50)
            taken = channel.consume(f"coop.{self.slug}", inactivity_timeout=_CONSUME_SECONDS)
            self._connected.set()
            for method, properties, _ in taken:
                if method is not None:
                    self.queued.add(str(properties.headers["ce-id"]))
                    channel.basic_ack(method.delivery_tag)
                if self._stop.is_set():
                    return
        finally:
            if connection.is_open:
                connection.close()
