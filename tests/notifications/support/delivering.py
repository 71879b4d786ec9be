"""Webhook deliveries without the process around them: one claim, one attempt, a clock of one's own."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpcore

from services.chassis.caller import Caller, Role
from services.notifications.application.deliver_webhook import DeliverWebhooks
from services.notifications.bootstrap import manage_endpoints, webhook_deliverer
from services.notifications.domain.addresses import Address, parse_address
from services.notifications.entrypoints.outgoing.webhook_client import WebhookClient
from services.notifications.persistence.endpoints import StoredEndpoint
from tests.notifications.support.world import PROVIDER, World


def client_of(provider: str = PROVIDER) -> Caller:
    return Caller(f"client-{provider}", roles=frozenset({Role("provider_client", provider)}))


class AdvancedClock:
    """The machine's clock, some time later."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, step: timedelta) -> None:
        self._ahead += step


class Webhooks:
    """Deliveries of a world, at a time of the test's choice."""

    def __init__(
        self,
        world: World,
        *,
        names: Callable[[str], Sequence[str]] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.world = world
        self.clock = AdvancedClock()
        settings = world.settings
        changes: dict[str, Any] = {
            "clock": self.clock,
            "send": WebhookClient(
                settings.webhook_timeout_seconds, self.clock, tls or httpcore.default_ssl_context()
            ),
        }
        self.endpoints = manage_endpoints(settings, world.database)
        if names is not None:

            def resolve(host: str, _port: int) -> Sequence[Address]:
                return [parse_address(address) for address in names(host)]

            changes["resolve"] = resolve
            self.endpoints = replace(self.endpoints, resolve=resolve)
        self.deliverer: DeliverWebhooks = replace(webhook_deliverer(settings, world.database), **changes)
        self.secrets: dict[UUID, str] = {}

    def register(self, url: str, *event_types: str, provider: str = PROVIDER) -> StoredEndpoint:
        """A new endpoint; its secret is in `secrets`."""

        def answer(endpoint: StoredEndpoint, secret: str) -> bytes:
            self.secrets[endpoint.id] = secret
            return b""

        self.endpoints.create(
            client_of(provider),
            provider=provider,
            url=url,
            event_types=event_types,
            idempotency_key=None,
            answer=answer,
        )
        return self.endpoints.list(client_of(provider), provider)[-1]

    def turn(self, limit: int = 100) -> list[str]:
        """Claims what is due and attempts it, one after another; the states after it."""
        return [self.deliverer.perform(claimed) for claimed in self.deliverer.claim(limit)]

    def pass_time(self, step: timedelta) -> None:
        self.clock.advance(step)
