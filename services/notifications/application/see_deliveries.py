"""A cooperative looks into its delivery log and has an event sent again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from services.chassis.caller import Caller
from services.chassis.database import Database
from services.chassis.refusal import NotFound
from services.notifications.application.may import is_of
from services.notifications.domain.errors import EndpointDisabled
from services.notifications.persistence import deliveries, endpoints
from services.notifications.persistence.deliveries import StoredDelivery
from services.notifications.persistence.endpoints import StoredEndpoint


@dataclass(frozen=True, slots=True)
class SeeDeliveries:
    """Both operations on the delivery log."""

    database: Database

    def list(
        self, caller: Caller, endpoint_id: UUID, *, before: UUID | None, limit: int
    ) -> tuple[Sequence[StoredDelivery], UUID | None]:
        """The endpoint's deliveries, newest first, and the cursor to go on with (None: no more).

        Raises Unauthenticated or NotFound.
        """
        caller.require_known()
        with self.database.read() as connection:
            if _own_endpoint(connection, caller, endpoint_id) is None:
                raise NotFound(what="webhook endpoint", field="endpoint_id")
            found = deliveries.list_deliveries(connection, endpoint_id, before=before, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    def redeliver(self, caller: Caller, delivery_id: UUID) -> StoredDelivery:
        """Makes the delivery due at once, whatever its state. Raises Unauthenticated, NotFound,
        EndpointDisabled.
        """
        caller.require_known()
        with self.database.transaction() as connection:
            delivery = deliveries.find_delivery(connection, delivery_id)
            if delivery is None:
                raise NotFound(what="delivery", field="delivery_id")
            endpoint = _own_endpoint(connection, caller, delivery.endpoint_id)
            if endpoint is None:
                raise NotFound(what="delivery", field="delivery_id")
            if not deliveries.queue_again(connection, endpoint.id, delivery_id):
                raise EndpointDisabled
            return deliveries.find_delivery(connection, delivery_id) or delivery


def _own_endpoint(connection: sa.Connection, caller: Caller, endpoint_id: UUID) -> StoredEndpoint | None:
    endpoint = endpoints.find_endpoint(connection, endpoint_id)
    return endpoint if endpoint is not None and is_of(caller, endpoint.provider) else None
