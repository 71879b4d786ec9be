"""A webhook by the Standard Webhooks specification: what is sent, and what an answer means."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from services.notifications.domain.retry import WEBHOOK_DELAYS, delay_after

_SECRET_BYTES = 32
_THROTTLING = frozenset({429, 502, 504})
_PAUSE = timedelta(seconds=60)
_FAILING_FOR = timedelta(hours=48)

GONE = "gone"
FAILING = "failing"


class DeliveryState(StrEnum):
    """`pending` is attempted when its time comes; the others are final unless it is queued again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class EndpointState(StrEnum):
    """Only an `active` endpoint is called. A deleted one is kept, for its delivery log, and never shown."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


def new_secret() -> str:
    """A signing secret of 256 random bits, `whsec_` and base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def body(event_type: str, occurred_at: datetime, data_json: str) -> str:
    """`{"type", "timestamp", "data"}`: the same text for every attempt and every endpoint."""
    return json.dumps(
        {
            "type": event_type,
            "timestamp": occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "data": json.loads(data_json),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """How one attempt went. `status` is 0 when there was no HTTP answer; `error` then says why."""

    status: int
    at: datetime
    milliseconds: int
    error: str = ""
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        """2xx and nothing else: a redirect is a failure."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class NextStep:
    """What follows from an answer. `pause_until` holds back the whole endpoint, not this delivery alone."""

    state: DeliveryState
    next_attempt_at: datetime | None = None
    pause_until: datetime | None = None
    endpoint_is_gone: bool = False


def next_step(answer: Answer, *, attempts: int, now: datetime, jitter: float) -> NextStep:
    """What to do after `answer`, which was attempt number `attempts` (from 1) of its delivery.

    410 ends the endpoint. 429, 502 and 504 mean that the receiver has too much to do: it is left alone for a
    minute, or for as long as its Retry-After asks. Any other failure is tried again on schedule.
    """
    if answer.is_success:
        return NextStep(DeliveryState.DELIVERED)
    if answer.status == HTTPStatus.GONE:
        return NextStep(DeliveryState.FAILED, endpoint_is_gone=True)
    pause = answer.retry_after
    if pause is None and answer.status in _THROTTLING:
        pause = _PAUSE
    pause_until = None if pause is None else now + pause
    delay = delay_after(attempts, WEBHOOK_DELAYS, jitter)
    if delay is None:
        return NextStep(DeliveryState.FAILED, pause_until=pause_until)
    due = now + delay
    return NextStep(DeliveryState.PENDING, max(due, pause_until or due), pause_until)


def disable_reason(step: NextStep, *, failing_for: timedelta) -> str | None:
    """Why the endpoint is to be disabled after a failed attempt, or None.

    It said that it is gone; or a delivery has used up its attempts while nothing else succeeded for two days
    either.
    """
    if step.endpoint_is_gone:
        return GONE
    if step.state is DeliveryState.FAILED and failing_for >= _FAILING_FOR:
        return FAILING
    return None
