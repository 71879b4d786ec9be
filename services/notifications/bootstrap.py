"""What notifications is made of, and how its parts are put together.

Importing this module imports none of the parts: each process loads only what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.chassis.definition import ServiceDefinition
from services.notifications.application.public_events import CONSUMED_EVENT_TYPES

if TYPE_CHECKING:
    from services.chassis.database import Database
    from services.notifications.application.contact import ContactSeals
    from services.notifications.application.deliver_email import DeliverEmails
    from services.notifications.application.deliver_webhook import DeliverWebhooks
    from services.notifications.application.manage_endpoints import ManageEndpoints
    from services.notifications.settings import NotificationsSettings

SERVICE: Final = ServiceDefinition(
    name="notifications",
    settings="services.notifications.settings:NotificationsSettings",
    migrations="services.notifications.persistence.migrations",
    grpc="services.notifications.entrypoints.grpc_api:build",
    subscriptions="services.notifications.entrypoints.worker:subscriptions",
    jobs="services.notifications.entrypoints.worker:jobs",
    consumes=CONSUMED_EVENT_TYPES,
    cli="services.notifications.entrypoints.cli:commands",
    processes={"deliver": "services.notifications.entrypoints.deliver:run"},
    lone_processes={"bridge": "services.notifications.entrypoints.bridge:run"},
)
SOURCE: Final = "ambito/notifications"
_RESOLVERS_IN_GRPC: Final = 4


def contact_seals(settings: NotificationsSettings) -> ContactSeals:
    """identity's key for events, and our own for our columns."""
    from services.chassis.sealing import Sealer
    from services.notifications.application.contact import ContactSeals

    return ContactSeals(
        events=Sealer.parse(settings.event_data_key_file.read_text()),
        own=Sealer.parse(settings.data_keys_file.read_text()),
    )


def manage_endpoints(settings: NotificationsSettings, database: Database) -> ManageEndpoints:
    """For the grpc process and the commands."""
    from services.chassis.idempotency import Idempotency
    from services.chassis.sealing import Sealer
    from services.notifications.application.manage_endpoints import ManageEndpoints
    from services.notifications.domain.addresses import AddressRules
    from services.notifications.entrypoints.outgoing.resolver import SystemResolver
    from services.notifications.persistence.tables import messaging

    return ManageEndpoints(
        database=database,
        idempotency=Idempotency(messaging.idempotency),
        sealer=Sealer.parse(settings.data_keys_file.read_text()),
        resolve=SystemResolver(
            timeout_seconds=settings.webhook_resolve_timeout_seconds, threads=_RESOLVERS_IN_GRPC
        ),
        rules=AddressRules.parse(settings.webhook_allowed_networks),
        maximum=settings.webhook_endpoints_per_provider,
    )


def webhook_deliverer(settings: NotificationsSettings, database: Database) -> DeliverWebhooks:
    """For the deliver process."""
    from datetime import timedelta

    from services.chassis.clock import SystemClock
    from services.chassis.messaging.outbox import Outbox
    from services.chassis.sealing import Sealer
    from services.notifications.application.deliver_webhook import DeliverWebhooks
    from services.notifications.domain.addresses import AddressRules
    from services.notifications.entrypoints.outgoing.resolver import SystemResolver
    from services.notifications.entrypoints.outgoing.webhook_client import WebhookClient
    from services.notifications.persistence.tables import messaging

    clock = SystemClock()
    return DeliverWebhooks(
        database=database,
        outbox=Outbox(messaging, SOURCE),
        sealer=Sealer.parse(settings.data_keys_file.read_text()),
        resolve=SystemResolver(
            timeout_seconds=settings.webhook_resolve_timeout_seconds, threads=settings.webhook_concurrency
        ),
        rules=AddressRules.parse(settings.webhook_allowed_networks),
        send=WebhookClient(settings.webhook_timeout_seconds, clock),
        clock=clock,
        per_endpoint=settings.webhook_endpoint_concurrency,
        lease=timedelta(seconds=settings.webhook_lease_seconds),
        served=settings.served,
    )


def email_deliverer(settings: NotificationsSettings, database: Database) -> DeliverEmails:
    """For the deliver process."""
    from datetime import timedelta

    from services.chassis.clock import SystemClock
    from services.notifications.application.deliver_email import DeliverEmails
    from services.notifications.entrypoints.outgoing.mail_server import MailServer

    clock = SystemClock()
    server = MailServer(
        settings.smtp_url,
        sender=settings.mail_from,
        timeout_seconds=settings.smtp_timeout_seconds,
        clock=clock,
    )
    return DeliverEmails(
        database=database,
        seals=contact_seals(settings),
        send=server,
        clock=clock,
        lease=timedelta(seconds=settings.email_lease_seconds),
        portal=settings.portal_url,
        domain=server.domain,
    )
