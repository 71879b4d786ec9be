"""Cooperatives' systems, connected to their queues: one thread for each queue, on pika."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import NoReturn

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from tests.bench.arrivals import Arrivals, record

PREFETCH = 200
_START_TIMEOUT_SECONDS = 20.0


class Consumer(Arrivals):
    """Reads queues, always. `urls`: AMQP URL by queue."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        super().__init__()
        self._pool.submit(_listen, urls).result()


def _listen(urls: Mapping[str, str]) -> None:
    started = []
    for queue, url in urls.items():
        ready = threading.Event()
        threading.Thread(target=_consume, args=(queue, url, ready), daemon=True, name=queue).start()
        started.append(ready)
    if not all(ready.wait(_START_TIMEOUT_SECONDS) for ready in started):
        raise TimeoutError("a queue could not be read")


def _consume(queue: str, url: str, ready: threading.Event) -> NoReturn:
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.basic_qos(prefetch_count=PREFETCH)

    def receive(
        channel: BlockingChannel, method: Basic.Deliver, properties: BasicProperties, _body: bytes
    ) -> None:
        now = time.time_ns()
        headers = properties.headers or {}
        record(headers["ce-subject"], headers["ce-time"], now)
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, receive)
    ready.set()
    channel.start_consuming()
    raise ConnectionError(f"{queue} is read no more")
