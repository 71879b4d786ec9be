"""Waiting until everything that was begun has come to its end."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pika

from deploy.local.environment import SERVICES
from services.chassis.messaging.topology import RETRY_DELAYS_MS, Names
from tests.faults.site import Site

SETTLE_SECONDS = 900.0
_POLL_SECONDS = 0.2
_WITHOUT_WAITING = (
    "UPDATE email SET next_attempt_at = now() WHERE state = 'pending' AND next_attempt_at > now()",
    "UPDATE webhook_delivery SET next_attempt_at = now() WHERE state = 'pending' AND next_attempt_at > now()",
    "UPDATE webhook_endpoint SET paused_until = NULL WHERE paused_until > now()",
    # Of a process that died while its clock was ahead; all others end within seconds.
    "UPDATE email SET leased_until = now() WHERE leased_until > now() + interval '1 minute'",
    "UPDATE webhook_delivery SET leased_until = now() WHERE leased_until > now() + interval '1 minute'",
)
"""What failed is tried again after half a minute, five minutes, half an hour: nobody waits for that here."""


class NotSettled(Exception):
    """Something is still to be done when the time is over; the message says what."""


@dataclass(frozen=True)
class Rest:
    """How long it took until nothing was left to do, and what was the last of it."""

    seconds: float
    lastly: str

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s" + (f", lastly {self.lastly}" if self.lastly else "")


def settle(site: Site, timeout_seconds: float = SETTLE_SECONDS) -> Rest:
    """Return when nothing is left to do; what waits for its next attempt need not wait. Raises NotSettled."""
    started = time.monotonic()
    site.instance.wait_ready(timeout_seconds)
    lastly = ""
    while left := _left(site):
        lastly = ", ".join(left)
        if time.monotonic() - started > timeout_seconds:
            raise NotSettled(f"after {timeout_seconds:.0f} s there are still: {left}")
        time.sleep(_POLL_SECONDS)
    return Rest(time.monotonic() - started, lastly)


def _left(site: Site) -> dict[str, int]:
    """What there still is to do, cheapest to ask first; only the first of them that is not nothing."""
    for look in (_undecided, _unpublished, _queued, _unread, _unsent):
        if left := {what: count for what, count in look(site).items() if count}:
            return left
    return {}


def _undecided(site: Site) -> dict[str, int]:
    return {"bookings undecided": site.count("catalogue", "booking WHERE state = 'held'")}


def _unpublished(site: Site) -> dict[str, int]:
    return {
        f"events of {service} to publish": site.count(service, "outbox WHERE published_at IS NULL")
        for service in SERVICES
    }


def _queued(site: Site) -> dict[str, int]:
    """Messages in queues and retry queues."""
    connection = pika.BlockingConnection(pika.URLParameters(site.system.broker_url))
    try:
        channel = connection.channel()
        queues = [
            queue
            for names in map(Names, SERVICES)
            for queue in (names.queue, *map(names.retry_queue, range(1, len(RETRY_DELAYS_MS) + 1)))
        ]
        return {queue: channel.queue_declare(queue, passive=True).method.message_count for queue in queues}
    finally:
        connection.close()


def _unread(site: Site) -> dict[str, int]:
    """Messages that a worker has and has not settled."""
    return {
        f"{service}: {consumer} to handle": count
        for service in SERVICES
        for consumer, count in site.unhandled(service).items()
    }


def _unsent(site: Site) -> dict[str, int]:
    """E-mails, and deliveries to those who take them."""
    for statement in _WITHOUT_WAITING:
        site.change("notifications", statement)
    good = ", ".join(f"'{cooperative.endpoint}'" for cooperative in site.cooperatives.values())
    return {
        "e-mails to send": site.count("notifications", "email WHERE state = 'pending'"),
        "webhooks to deliver": site.count(
            "notifications", f"webhook_delivery WHERE state = 'pending' AND endpoint_id IN ({good})"
        ),
    }
