"""What a notice is about: its kind, and the facts from which its texts are written when somebody reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class Notice(StrEnum):
    """The kinds of notices."""

    BOOKING_CONFIRMED = "booking-confirmed"
    BOOKING_CANCELLED = "booking-cancelled"
    BOOKING_DELIVERED = "booking-delivered"
    VOUCHER_ISSUED = "voucher-issued"
    VOUCHER_EXHAUSTED = "voucher-exhausted"

    @property
    def is_about_a_booking(self) -> bool:
        """Of the others, not even the topic may be named outside the portal."""
        return self.value.startswith("booking-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Ids and neutral facts. `provider` is a slug; the cooperative's name is looked up when reading."""

    reference: str
    """Id of the booking or voucher."""
    provider: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    cancelled_by: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    def to_json(self) -> dict[str, str]:
        """As it is stored: only what is there."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in found.items()
            if value is not None
        }

    @classmethod
    def from_json(cls, stored: dict[str, str]) -> Facts:
        """What `to_json` gave."""

        def instant(name: str) -> datetime | None:
            return datetime.fromisoformat(stored[name]) if name in stored else None

        def day(name: str) -> date | None:
            return date.fromisoformat(stored[name]) if name in stored else None

        return cls(
            reference=stored["reference"],
            provider=stored.get("provider"),
            starts_at=instant("starts_at"),
            ends_at=instant("ends_at"),
            cancelled_by=stored.get("cancelled_by"),
            valid_from=day("valid_from"),
            valid_to=day("valid_to"),
        )


@dataclass(frozen=True, slots=True)
class News:
    """An event that a person is to be told of."""

    event_id: UUID
    person: UUID
    notice: Notice
    facts: Facts
    traceparent: str | None = None
    """Where the event stands in its trace."""
