"""The operations team stops all webhooks of a cooperative."""

from __future__ import annotations

from services.chassis.database import Database
from services.notifications.persistence import deliveries, endpoints, providers


def disable_webhooks(database: Database, provider: str) -> bool:
    """Nothing is sent to the cooperative's endpoints any more, new ones included: what waits is given up,
    nothing is queued, what it misses is in the feed. False if that was so already.

    What somebody queues at the same moment is never claimed, and given up by the next purge.
    """
    with database.transaction() as connection:
        changed = providers.disable(connection, provider)
        for endpoint in endpoints.list_endpoints(connection, provider):
            deliveries.give_up_all(connection, endpoint.id)
    return changed
