"""Public events of cooperatives: into their feeds, and on the way to their webhooks."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from services.chassis.messaging.received import PermanentFailure, Received
from services.notifications.application.public_events import PUBLIC_EVENTS
from services.notifications.persistence import deliveries, feed
from services.notifications.persistence.feed import NewEvent

NOBODY = "-"
"""In a routing key: the event concerns no cooperative."""


def feed_events(connection: sa.Connection, events: Sequence[Received]) -> None:
    """Appends each event to the feed of the cooperative that its routing key names, and queues one delivery
    for each endpoint that wants it. An event of no cooperative, or one that is there already, changes
    nothing. PermanentFailure if one is not what its type says: cooperatives get only what keeps to its
    contract.
    """
    new = [each for event in events if (each := _checked(event)).provider != NOBODY]
    if new:
        traceparents = {event.id: event.traceparent for event in events}
        deliveries.add_deliveries(connection, feed.append(connection, new), traceparents)


def _checked(event: Received) -> NewEvent:
    event.parse(PUBLIC_EVENTS[event.type])
    source = event.headers.get("ce-source")
    if not isinstance(source, str):
        raise PermanentFailure("header ce-source is missing or malformed")
    return NewEvent(event, provider=event.routing_key.rpartition(".")[2], source=source)
