"""What happened, as it is written down to be published."""

import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.chassis.ids import new_id

_WORD: Final = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_TYPE: Final = re.compile(rf"ambito\.(?P<service>{_WORD})\.(?P<key>{_WORD}\.{_WORD})\.v[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class EventType:
    """The parts of a type `ambito.<service>.<aggregate>.<past-tense>.v<n>`."""

    service: str
    key: str
    """`<aggregate>.<past-tense>`: how every routing key of this type begins."""

    @classmethod
    def parse(cls, text: str) -> "EventType":
        """Raise ValueError if `text` is not an event type."""
        match = _TYPE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not like ambito.<service>.<aggregate>.<past-tense>.v1")
        return cls(match["service"], match["key"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of one aggregate.

    `sequence` counts the aggregate's events from 1 without gaps. `routing_key` is `<aggregate>.<past-tense>`
    as in the type, then two words to subscribe by. `data` is the JSON body, made by the producer's own model.
    Only what is `public` leaves the system.
    """

    type: str
    subject: str
    sequence: int
    occurred_at: datetime
    routing_key: str
    public: bool
    data: bytes
    id: uuid.UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        """Refuse what no subscriber could ever match: a programming error, found at its first test."""
        key = EventType.parse(self.type).key
        words = self.routing_key.split(".")
        if not self.routing_key.startswith(f"{key}.") or len(words) != 4 or not all(words):
            raise ValueError(f"routing key {self.routing_key!r} is not {key}.<…>.<…> for {self.type}")
        if self.occurred_at.tzinfo is None:
            raise ValueError("an event happens at an aware instant")
