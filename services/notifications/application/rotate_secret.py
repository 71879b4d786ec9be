"""An endpoint gets a new secret while its receiver still knows the old one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.refusal import NotFound
from services.chassis.sealing import Sealer
from services.notifications.application.manage_endpoints import secret_context
from services.notifications.domain.webhook import EndpointState, new_secret
from services.notifications.persistence import endpoints


def rotate_secret(
    database: Database, sealer: Sealer, clock: Clock, endpoint_id: UUID, *, grace: timedelta
) -> str:
    """The new secret, shown once. Deliveries carry a signature by each of the two for as long as `grace`;
    zero makes the old one worthless at once.

    Raises NotFound if there is no such endpoint, or if it is disabled: that one is registered anew.
    """
    secret = new_secret()
    sealed = sealer.seal(secret, secret_context(endpoint_id))
    with database.transaction() as connection:
        endpoint = endpoints.find_endpoint(connection, endpoint_id)
        if endpoint is None or endpoint.state is not EndpointState.ACTIVE:
            raise NotFound(what="active webhook endpoint", field="endpoint_id")
        endpoints.replace_secret(connection, endpoint_id, sealed, previous_until=clock.now() + grace)
    return secret
