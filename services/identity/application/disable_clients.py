"""The operations team shuts the door on the systems of a cooperative."""

from __future__ import annotations

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.identity.persistence import clients


def disable_clients(database: Database, clock: Clock, provider: str) -> bool:
    """No API client of the cooperative may sign in any more, new ones included, whatever is loaded later.

    Tokens that were given out before run out by themselves. False if that was so already.
    """
    with database.transaction() as connection:
        return clients.disable_provider(connection, provider, clock.now())
