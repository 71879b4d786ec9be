"""The requests' forms: what cannot be right whatever the state is refused here, naming the field."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.chassis.refusal import Language
from services.contracts import limits
from services.contracts.forms import Slug


def _none_if_empty(value: Any) -> Any:  # noqa: ANN401 - before it is validated
    return value or None


OptionalId = Annotated[UUID | None, BeforeValidator(_none_if_empty)]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class ListMessages(_Request):
    """An inbox, a page at a time."""

    person_id: UUID
    limit: Annotated[int, Field(ge=0, le=limits.PAGE_ITEMS)]
    cursor: OptionalId
    language: Annotated[Language | None, BeforeValidator(_none_if_empty)]


class MarkRead(_Request):
    """One message."""

    message_id: UUID


class CreateEndpoint(_Request):
    """A new endpoint; the URL has rules of its own."""

    provider: Slug
    url: Annotated[str, Field(min_length=1)]
    event_types: Annotated[list[str], Field(max_length=50)]


class OfProvider(_Request):
    """What belongs to a cooperative."""

    provider: Slug


class OfEndpoint(_Request):
    """One endpoint."""

    endpoint_id: UUID


class ListDeliveries(_Request):
    """An endpoint's delivery log, a page at a time."""

    endpoint_id: UUID
    limit: Annotated[int, Field(ge=0, le=limits.PAGE_ITEMS)]
    cursor: OptionalId


class Redeliver(_Request):
    """One delivery."""

    delivery_id: UUID


class ReadFeed(_Request):
    """A cooperative's feed, a page at a time; the cursor has a form of its own."""

    provider: Slug
    limit: Annotated[int, Field(ge=0, le=500)]
