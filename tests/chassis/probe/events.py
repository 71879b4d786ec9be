"""The probe's events: it listens to itself."""

import json
from datetime import UTC, datetime

from services.chassis.messaging.event import Event

DONE = "ambito.probe.thing.done.v1"
DOOMED = "ambito.probe.thing.doomed.v1"
UNHEARD = "ambito.probe.thing.unheard.v1"
"""Nobody has subscribed to it."""


def event(
    event_type: str = DONE,
    *,
    subject: str = "thing-1",
    sequence: int = 1,
    word: str = "L319",
    provider: str = "aurora",
    **data: object,
) -> Event:
    key = ".".join(event_type.split(".")[2:4])
    return Event(
        type=event_type,
        subject=subject,
        sequence=sequence,
        occurred_at=datetime.now(UTC),
        routing_key=f"{key}.{word}.{provider}",
        public=True,
        data=json.dumps(data).encode(),
    )
