"""The four services, as the gateway reaches them: one channel each, a deadline on every call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request

from gateway.settings import GatewaySettings
from services.chassis.caller import Caller
from services.chassis.rpc import aio_client
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2_grpc
from services.contracts.generated.ambito.identity.v1 import identity_pb2_grpc
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2_grpc
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2_grpc

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Made by the client, new for every intent; repeating a request repeats the answer.",
    ),
]

# Reads without effect: sent once more when a replica was not reachable. Commands never are.
_CATALOGUE_READS = tuple(
    f"ambito.catalogue.v1.CatalogueService/{name}"
    for name in (
        "SearchServices",
        "GetService",
        "ListProviders",
        "GetProvider",
        "ListSocialPoints",
        "ListComuni",
        "ListSlots",
    )
)


@dataclass(frozen=True)
class Backends:
    """Stubs of every gRPC service, and how to call them."""

    settings: GatewaySettings
    persons: identity_pb2_grpc.PersonServiceStub
    sessions: identity_pb2_grpc.SessionServiceStub
    delegations: identity_pb2_grpc.DelegationServiceStub
    catalogue: catalogue_pb2_grpc.CatalogueServiceStub
    accreditations: catalogue_pb2_grpc.AccreditationServiceStub
    bookings: catalogue_pb2_grpc.BookingServiceStub
    plans: vouchers_pb2_grpc.PlanServiceStub
    vouchers: vouchers_pb2_grpc.VoucherServiceStub
    budgets: vouchers_pb2_grpc.BudgetServiceStub
    statements: vouchers_pb2_grpc.StatementServiceStub
    inbox: notifications_pb2_grpc.InboxServiceStub
    webhooks: notifications_pb2_grpc.WebhookServiceStub
    feed: notifications_pb2_grpc.FeedServiceStub
    channels: dict[str, Any]

    @classmethod
    def connect(cls, settings: GatewaySettings) -> Backends:
        """Opens the channels; they connect when first used. Call it inside the running event loop."""
        identity = aio_client.open_channel(settings.identity_target)
        catalogue = aio_client.open_channel(settings.catalogue_target, retried_reads=_CATALOGUE_READS)
        vouchers = aio_client.open_channel(settings.vouchers_target)
        notifications = aio_client.open_channel(settings.notifications_target)
        return cls(
            settings=settings,
            persons=identity_pb2_grpc.PersonServiceStub(identity),
            sessions=identity_pb2_grpc.SessionServiceStub(identity),
            delegations=identity_pb2_grpc.DelegationServiceStub(identity),
            catalogue=catalogue_pb2_grpc.CatalogueServiceStub(catalogue),
            accreditations=catalogue_pb2_grpc.AccreditationServiceStub(catalogue),
            bookings=catalogue_pb2_grpc.BookingServiceStub(catalogue),
            plans=vouchers_pb2_grpc.PlanServiceStub(vouchers),
            vouchers=vouchers_pb2_grpc.VoucherServiceStub(vouchers),
            budgets=vouchers_pb2_grpc.BudgetServiceStub(vouchers),
            statements=vouchers_pb2_grpc.StatementServiceStub(vouchers),
            inbox=notifications_pb2_grpc.InboxServiceStub(notifications),
            webhooks=notifications_pb2_grpc.WebhookServiceStub(notifications),
            feed=notifications_pb2_grpc.FeedServiceStub(notifications),
            channels={
                "identity": identity,
                "catalogue": catalogue,
                "vouchers": vouchers,
                "notifications": notifications,
            },
        )

    async def read(self, method: Any, request: object, caller: Caller) -> Any:  # generated types
        """Calls a method without effect. Raises the service's refusal, or Unavailable."""
        return await aio_client.call(
            method, request, caller=caller, deadline_seconds=self.settings.read_deadline_seconds
        )

    async def command(
        self,
        method: Any,
        request: object,
        caller: Caller,
        *,
        idempotency_key: str | None = None,
        client_address: str | None = None,
    ) -> Any:
        """Calls a method that changes something. Raises the service's refusal, or Unavailable."""
        return await aio_client.call(
            method,
            request,
            caller=caller,
            deadline_seconds=self.settings.command_deadline_seconds,
            idempotency_key=idempotency_key,
            client_address=client_address,
        )

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close()


async def _backends(request: Request) -> Backends:
    found: Backends = request.app.state.backends
    return found


Services = Annotated[Backends, Depends(_backends)]
