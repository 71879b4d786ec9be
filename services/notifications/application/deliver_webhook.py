"""Webhook deliveries: claim what is due, attempt it outside any transaction, record what came of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from standardwebhooks import Webhook

from services.chassis import crash_points, tracing
from services.chassis.clock import Clock
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.logs import get_logger
from services.chassis.messaging.event import Event
from services.chassis.messaging.outbox import Outbox
from services.chassis.refusal import Refusal
from services.chassis.sealing import SealBroken, Sealer
from services.contracts.events.base import routing_key
from services.contracts.events.notifications import WebhookEndpointDisabled
from services.notifications.application.attempting import record_before
from services.notifications.application.manage_endpoints import secret_context
from services.notifications.application.resolving import Resolve
from services.notifications.domain.addresses import Address, AddressRules
from services.notifications.domain.endpoint_url import EndpointUrl
from services.notifications.domain.served import ALL, Served
from services.notifications.domain.webhook import Answer, DeliveryState, body, disable_reason, next_step
from services.notifications.persistence import deliveries, endpoints, leases
from services.notifications.persistence.leases import ClaimedDelivery

Send = Callable[[EndpointUrl, Sequence[Address], dict[str, str], bytes], Answer]
"""Posts headers and body to the URL at one of these addresses and no other. Never raises."""

USER_AGENT: Final = "Ambito-Webhooks/1"

# Not to whom: addresses of receivers may hold their secrets.
_ATTRIBUTES: Final = {"http.request.method": "POST"}

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeliverWebhooks:
    """Attempts deliveries to the cooperatives `served`. `per_endpoint` bounds the attempts to one endpoint at
    once, over all processes that serve the same.
    """

    database: Database
    outbox: Outbox
    sealer: Sealer
    resolve: Resolve
    rules: AddressRules
    send: Send
    clock: Clock
    per_endpoint: int
    lease: timedelta
    served: Served = ALL

    def claim(self, limit: int) -> list[ClaimedDelivery]:
        """At most `limit` deliveries that are due, for this process alone until their lease ends."""
        now = self.clock.now()
        with self.database.transaction() as connection:
            return leases.claim_deliveries(
                connection,
                limit,
                per_endpoint=self.per_endpoint,
                lease=new_id(),
                now=now,
                until=now + self.lease,
                served=self.served,
            )

    def perform(self, claimed: ClaimedDelivery) -> str:
        """One attempt. Returns the delivery's state after it."""
        with tracing.start_from(
            claimed.traceparent, name="POST", kind=tracing.SpanKind.CLIENT, attributes=_ATTRIBUTES
        ) as span:
            return self._perform(claimed, span)

    def _perform(self, claimed: ClaimedDelivery, span: tracing.Span) -> str:
        deadline = self.clock.now() + self.lease
        answer = self._attempt(claimed)
        crash_points.crash_point(crash_points.WEBHOOK)
        if span.is_recording():
            span.set_attribute("http.response.status_code", answer.status)
            span.set_attribute("http.request.resend_count", claimed.attempts - 1)
            if not answer.is_success:
                tracing.mark_failed(span, str(answer.status or "no_answer"))
        state = record_before(deadline, self.clock, lambda: self._record(claimed, answer))
        _log.info(
            "webhook attempted",
            delivery_id=str(claimed.id),
            endpoint_id=str(claimed.endpoint_id),
            event_id=str(claimed.event_id),
            attempt=claimed.attempts,
            status=answer.status,
            ms=answer.milliseconds,
            state=state.value,
        )
        return state.value

    def _attempt(self, claimed: ClaimedDelivery) -> Answer:
        started = self.clock.now()
        try:
            url = EndpointUrl.parse(claimed.url)
            addresses = self.resolve(url.host, url.port)
            url.check(addresses, self.rules)  # again, each time: a name may lead elsewhere by now
            context = secret_context(claimed.endpoint_id)
            signing = [Webhook(self.sealer.open(secret, context)) for secret in claimed.secrets]
        except Refusal as refusal:
            return Answer(status=0, at=started, milliseconds=0, error=refusal.message("en"))
        except SealBroken:  # a key is missing, which somebody can still put right
            return Answer(status=0, at=started, milliseconds=0, error="not sent: it could not be signed")
        text = body(claimed.event_type, claimed.occurred_at, claimed.data)
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": str(claimed.event_id),
            "webhook-timestamp": str(int(started.timestamp())),
            "webhook-signature": " ".join(
                each.sign(str(claimed.event_id), started, text) for each in signing
            ),
        }
        if (traceparent := tracing.current_traceparent()) is not None:
            headers["traceparent"] = traceparent  # random numbers: they tell a receiver nothing
        return self.send(url, addresses, headers, text.encode())

    def _record(self, claimed: ClaimedDelivery, answer: Answer) -> DeliveryState:
        now = self.clock.now()
        if answer.is_success:
            with self.database.statement() as place:
                leases.delivered(place, claimed, answer, now)
            return DeliveryState.DELIVERED
        step = next_step(answer, attempts=claimed.attempts, now=now, jitter=random.random())  # noqa: S311 - spread
        with self.database.transaction() as connection:
            # The endpoint before its deliveries, here as everywhere: two transactions never wait for each
            # other.
            failing_since = endpoints.note_failure(connection, claimed.endpoint_id, now, step.pause_until)
            if leases.failed(connection, claimed, answer, step, now) and failing_since is not None:
                reason = disable_reason(step, failing_for=now - failing_since)
                if reason is not None:
                    self._disable(connection, claimed, reason)
        return step.state

    def _disable(self, connection: sa.Connection, claimed: ClaimedDelivery, reason: str) -> None:
        disabled = endpoints.disable_endpoint(connection, claimed.endpoint_id, reason)
        if disabled is None:
            return
        provider, sequence = disabled
        deliveries.give_up_all(connection, claimed.endpoint_id)
        data = WebhookEndpointDisabled(endpoint_id=claimed.endpoint_id, provider=provider, reason=reason)
        self.outbox.add(
            connection,
            Event(
                type=data.event_type(),
                subject=str(claimed.endpoint_id),
                sequence=sequence,
                occurred_at=self.clock.now(),
                routing_key=routing_key(WebhookEndpointDisabled, provider=provider),
                public=data.public,
                data=data.to_json(),
            ),
        )
        _log.warning("webhook endpoint disabled", endpoint_id=str(claimed.endpoint_id), reason=reason)
