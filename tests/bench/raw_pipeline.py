"""The broker alone, as fast as it goes: publishing with confirms, and consuming with acknowledgements.

On the library that relays and workers use. Run in a process of its own.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import cycle, islice

import amqp

from services.chassis.ids import new_id
from services.chassis.messaging.connection import connect, corked
from services.chassis.messaging.outgoing import Outgoing

_TIMEOUT_SECONDS = 10.0
_UNCONFIRMED = 1000
"""At most so many messages are under way: more did not make it faster."""
_AT_ONCE = 100
"""So many leave in full packets, as the relay's do."""
_DIFFERENT = 1000


def publish(url: str, message: Outgoing, *, seconds: float) -> float:
    """Messages like this one that the broker confirms per second, while more are sent."""
    messages = [replace(message, message_id=str(new_id())).to_amqp() for _ in range(_DIFFERENT)]
    sent = confirmed = 0

    def on_ack(tag: int, multiple: bool) -> None:
        nonlocal confirmed
        confirmed = max(confirmed, tag) if multiple else confirmed + 1

    connection = connect(url, timeout_seconds=_TIMEOUT_SECONDS, name="bench-publish")
    channel = connection.channel()
    channel.confirm_select()
    channel.events["basic_ack"].add(on_ack)
    started = time.perf_counter()
    following = cycle(messages)
    while time.perf_counter() - started < seconds:
        with corked(connection):
            for each in islice(following, _AT_ONCE):
                channel.basic_publish(each, message.exchange, message.routing_key, mandatory=True)
        sent += _AT_ONCE
        while sent - confirmed > _UNCONFIRMED - _AT_ONCE:
            connection.drain_events(timeout=_TIMEOUT_SECONDS)
    while confirmed < sent:
        connection.drain_events(timeout=_TIMEOUT_SECONDS)
    elapsed = time.perf_counter() - started
    connection.close()
    return sent / elapsed


def consume(url: str, queue: str, *, prefetch: int, count: int) -> float:
    """Messages per second of a queue that holds `count`, each acknowledged; from the first one on."""
    received: list[float] = []
    connection = connect(url, timeout_seconds=_TIMEOUT_SECONDS, name="bench-consume")
    channel = connection.channel()

    def receive(message: amqp.Message) -> None:
        received.append(time.perf_counter())
        channel.basic_ack(message.delivery_tag)

    channel.basic_qos(0, prefetch, False)
    channel.basic_consume(queue, callback=receive)
    while len(received) < count:
        connection.drain_events(timeout=_TIMEOUT_SECONDS)
    connection.close()
    return (count - 1) / (received[-1] - received[0])
