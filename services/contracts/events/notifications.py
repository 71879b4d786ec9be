"""Events of notifications."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field

from services.contracts.events.base import EventData


class WebhookEndpointDisabled(EventData):
    """An endpoint answered 410 or failed for too long, and is no longer called; look at it."""

    service: ClassVar[str] = "notifications"
    aggregate: ClassVar[str] = "webhook-endpoint"
    verb: ClassVar[str] = "disabled"
    public: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "endpoint_id": "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e60",
        "provider": "cooperativa-aurora",
        "reason": "gone",
    }

    endpoint_id: UUID
    provider: str = Field(description="Slug of the cooperative")
    reason: str = Field(description="gone (410 answered) or failing (too many failures)")
