"""How values look in JSON, by the rules of ModI (AgID's interoperability guidelines).

snake_case, RFC 3339 instants with `Z`, money as a decimal string with its currency, durations by ISO 8601,
lists wrapped in an object.

Answers are pydantic models filled straight from gRPC messages by attribute name.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Generic, Self, TypeVar
from uuid import UUID

from fastapi import Query
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from services.chassis.rpc.timestamps import rfc3339
from services.contracts import limits

Item = TypeVar("Item")


class Answer(BaseModel):
    """Base of what the API answers."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    @classmethod
    def of(cls, message: Message) -> Self:
        """The answer that says what a gRPC message says."""
        return cls.model_validate(message)


class Body(BaseModel):
    """Base of what the API is sent: a field it does not know is an error, not silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


def _instant(value: object) -> object:
    if isinstance(value, Timestamp):
        return rfc3339(value) if value.seconds or value.nanos else None
    return value


def _absent(value: object) -> object:
    return None if value == "" else value


class Money(BaseModel):
    """An amount of money, e.g. {"amount": "22.00", "currency": "EUR"}."""

    amount: str = Field(pattern=r"^-?\d+\.\d{2}$", examples=["22.00"])
    currency: str = "EUR"

    @classmethod
    def cents(cls, value: object) -> object:
        """From a whole number of cents."""
        if not isinstance(value, int):
            return value
        sign, cents = ("-", -value) if value < 0 else ("", value)
        return cls(amount=f"{sign}{cents // 100}.{cents % 100:02d}")


def _minutes(value: object) -> object:
    return f"PT{value}M" if isinstance(value, int) else value


_DateTime = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Instant = Annotated[_DateTime, BeforeValidator(_instant)]
OptionalInstant = Annotated[_DateTime | None, BeforeValidator(_instant)]
Optional = Annotated[str | None, BeforeValidator(_absent)]
OptionalDate = Annotated[date | None, BeforeValidator(_absent)]
OptionalId = Annotated[UUID | None, BeforeValidator(_absent)]
Cents = Annotated[Money, BeforeValidator(Money.cents)]
Minutes = Annotated[
    str, BeforeValidator(_minutes), Field(examples=["PT60M"], description="ISO 8601 duration")
]
Strings = Annotated[list[str], BeforeValidator(list)]

Reason = Annotated[str, StringConstraints(max_length=limits.REASON_CHARACTERS)]
AccessReason = Annotated[str, StringConstraints(max_length=limits.ACCESS_REASON_CHARACTERS)]
Cursor = Annotated[str, Query(max_length=limits.CURSOR_CHARACTERS)]
Limit = Annotated[int, Query(ge=1, le=limits.PAGE_ITEMS)]


class Items(Answer, Generic[Item]):
    """A whole list."""

    items: Annotated[list[Item], BeforeValidator(list)]


class Page(Items[Item], Generic[Item]):
    """A part of a list; `next_cursor` reads on, null at the end."""

    next_cursor: Optional = None


def iso(value: date | None) -> str:
    """A date for a gRPC request; empty when absent."""
    return "" if value is None else value.isoformat()


def text(value: object) -> str:
    """An identifier for a gRPC request; empty when absent."""
    return "" if value is None else str(value)
