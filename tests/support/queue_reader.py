"""A cooperative's own system that reads its queue."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pika
from pika.exceptions import AMQPError

from tests.support.polling import eventually

_CONSUME_SECONDS = 0.5
_AGAIN_SECONDS = 0.5


class QueueReader:
    """Connected until closed: a good partner, who connects again and acknowledges what is stored."""

    def __init__(self, urls: Sequence[str], queue: str) -> None:
        """Reads by whichever of the broker's nodes answers."""
        self.events: list[str] = []
        """Ids, once for each time that they came."""
        limits = "heartbeat=5&socket_timeout=3&stack_timeout=6&blocked_connection_timeout=10"
        self._nodes = [pika.URLParameters(f"{url}?{limits}") for url in urls]
        self._queue = queue
        self._stop, self._connected = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read, name=queue, daemon=True)
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
            taken = channel.consume(self._queue, inactivity_timeout=_CONSUME_SECONDS)
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
