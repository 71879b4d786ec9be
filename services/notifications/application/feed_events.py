"""A public event of a cooperative: into its feed, and on the way to its webhooks."""

from __future__ import annotations

import sqlalchemy as sa

from services.chassis.messaging import PermanentFailure, Received
from services.notifications.application.public_events import PUBLIC_EVENTS
from services.notifications.persistence import deliveries, feed

NOBODY = "-"
"""In a routing key: the event concerns no cooperative."""


def feed_event(connection: sa.Connection, event: Received) -> None:
    """Appends the event to the feed of the cooperative that its routing key names, and queues one delivery
    for each endpoint that wants it. An event of no cooperative, or one that is there already, changes
    nothing. PermanentFailure if it is not what its type says: cooperatives get only what keeps to its
    contract.
    """
    event.parse(PUBLIC_EVENTS[event.type])
    source = event.headers.get("ce-source")
    if not isinstance(source, str):
        raise PermanentFailure("header ce-source is missing or malformed")
    provider = event.routing_key.rpartition(".")[2]
    if provider == NOBODY:
        return
    wanted = feed.append(connection, event, provider=provider, source=source)
    deliveries.add_deliveries(connection, event.id, wanted)
