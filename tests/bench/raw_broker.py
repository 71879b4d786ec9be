"""The broker alone: from publishing a message to receiving it, at the same pace, with the same guarantees.

A persistent message of an event's size into a quorum queue of its own, each confirmed, read with
acknowledgements by another thread on a connection of its own. Run in a process of its own.
"""

from __future__ import annotations

import threading
import time

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from tests.bench.pace import at_pace, times_in

_QUEUE = "bench.raw"
_BODY_BYTES = 400
_WAIT_SECONDS = 10.0


def run(url: str, *, rate: float, seconds: float) -> list[float]:
    """Milliseconds from publish to receipt of each message."""
    publisher = pika.BlockingConnection(pika.URLParameters(url))
    channel = publisher.channel()
    channel.queue_declare(_QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
    try:
        return _measure(url, channel, rate=rate, seconds=seconds)
    finally:
        channel.queue_delete(_QUEUE)
        publisher.close()


def _measure(url: str, channel: BlockingChannel, *, rate: float, seconds: float) -> list[float]:
    count = times_in(seconds, rate)
    received: list[float] = []
    ready, done = threading.Event(), threading.Event()
    reader = threading.Thread(target=_read, args=(url, count, received, ready, done), daemon=True)
    reader.start()
    if not ready.wait(_WAIT_SECONDS):
        raise TimeoutError("the queue could not be read")
    channel.confirm_delivery()
    properties = BasicProperties(delivery_mode=2)

    def publish() -> None:
        body = str(time.time_ns()).encode().ljust(_BODY_BYTES)
        channel.basic_publish("", _QUEUE, body, properties, mandatory=True)

    at_pace(publish, times=count, rate=rate)
    if not done.wait(_WAIT_SECONDS):
        raise TimeoutError(f"{len(received)} of {count} messages arrived")
    return received


def _read(url: str, count: int, received: list[float], ready: threading.Event, done: threading.Event) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=200)

    def receive(
        channel: BlockingChannel, method: Basic.Deliver, _properties: BasicProperties, body: bytes
    ) -> None:
        received.append((time.time_ns() - int(body)) / 1e6)
        channel.basic_ack(method.delivery_tag)
        if len(received) == count:
            channel.stop_consuming()

    channel.basic_consume(_QUEUE, receive)
    ready.set()
    channel.start_consuming()
    connection.close()
    done.set()
