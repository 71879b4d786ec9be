"""A cooperative registers, lists and deletes its webhook endpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.chassis.caller import Caller
from services.chassis.database import Database
from services.chassis.idempotency import Idempotency
from services.chassis.ids import new_id
from services.chassis.refusal import InvalidField, NotFound
from services.chassis.sealing import Sealer
from services.notifications.application.may import is_of, require_provider
from services.notifications.application.public_events import PUBLIC_EVENT_TYPES
from services.notifications.application.resolving import Resolve
from services.notifications.domain.addresses import AddressRules
from services.notifications.domain.endpoint_url import EndpointUrl
from services.notifications.domain.errors import EndpointExists, TooManyEndpoints
from services.notifications.domain.webhook import new_secret
from services.notifications.persistence import deliveries, endpoints
from services.notifications.persistence.endpoints import StoredEndpoint

Answering = Callable[[StoredEndpoint, str], bytes]
"""Endpoint and secret to what is answered."""


def secret_context(endpoint_id: UUID) -> str:
    """What an endpoint's sealed secret is bound to."""
    return f"notifications.webhook_endpoint.secret:{endpoint_id}"


@dataclass(frozen=True, slots=True)
class ManageEndpoints:
    """All operations on endpoints. `maximum` per cooperative."""

    database: Database
    idempotency: Idempotency
    sealer: Sealer
    resolve: Resolve
    rules: AddressRules
    maximum: int

    def create(
        self,
        caller: Caller,
        *,
        provider: str,
        url: str,
        event_types: Sequence[str],
        idempotency_key: str | None,
        answer: Answering,
    ) -> bytes:
        """Registers an endpoint and returns `answer(endpoint, secret)`; the secret is never shown again,
        except to a repetition with the same idempotency key.

        Raises Unauthenticated, Forbidden, InvalidField, TooManyEndpoints, EndpointExists,
        IdempotencyKeyReused.
        """
        require_provider(caller, provider)
        wanted = checked_types(event_types)
        place = EndpointUrl.parse(url)
        place.check(self.resolve(place.host, place.port), self.rules)
        context = f"idempotency:{caller.subject}:{idempotency_key}"
        with self.database.transaction() as connection:

            def effect() -> bytes:
                endpoints.lock_provider(connection, provider)
                if len(endpoints.list_endpoints(connection, provider)) >= self.maximum:
                    raise TooManyEndpoints(maximum=self.maximum)
                endpoint_id, secret = new_id(), new_secret()
                endpoint = endpoints.add_endpoint(
                    connection,
                    endpoint_id=endpoint_id,
                    provider=provider,
                    url=url,
                    event_types=wanted,
                    sealed_secret=self.sealer.seal(secret, secret_context(endpoint_id)),
                    created_by=caller.subject,
                )
                if endpoint is None:
                    raise EndpointExists(field="url")
                # Kept for repetitions, so sealed like the secret in it.
                return self.sealer.seal(answer(endpoint, secret).hex(), context).encode()

            sealed = self.idempotency.run(
                connection,
                actor=caller.subject,
                key=idempotency_key,
                operation="WebhookService/CreateEndpoint",
                request="\n".join([provider, url, *wanted]).encode(),
                effect=effect,
            )
        return bytes.fromhex(self.sealer.open(sealed.decode(), context))

    def list(self, caller: Caller, provider: str) -> Sequence[StoredEndpoint]:
        """The cooperative's endpoints, oldest first. Raises Unauthenticated or Forbidden."""
        require_provider(caller, provider)
        with self.database.read() as connection:
            return endpoints.list_endpoints(connection, provider)

    def delete(self, caller: Caller, endpoint_id: UUID) -> None:
        """Nothing is sent to the endpoint any more. Raises Unauthenticated or NotFound."""
        caller.require_known()
        with self.database.transaction() as connection:
            endpoint = endpoints.find_endpoint(connection, endpoint_id)
            if endpoint is None or not is_of(caller, endpoint.provider):
                raise NotFound(what="webhook endpoint", field="endpoint_id")
            endpoints.delete_endpoint(connection, endpoint_id)
            deliveries.give_up_all(connection, endpoint_id)


def checked_types(event_types: Sequence[str]) -> list[str]:
    """The types, sorted, each once. Raises InvalidField if a cooperative never gets one of them."""
    for event_type in event_types:
        if event_type not in PUBLIC_EVENT_TYPES:
            raise InvalidField(
                field="event_types",
                it="Tipo di evento sconosciuto. Ammessi: {known}.",
                en="Unknown event type. Known: {known}.",
                known=", ".join(sorted(PUBLIC_EVENT_TYPES)),
            )
    return sorted(set(event_types))
