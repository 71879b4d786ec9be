"""What a consumer is given, and how it declares what it wants."""

import builtins
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import pydantic
import sqlalchemy as sa

from services.chassis import tracing
from services.chassis.errors import CannotRunError
from services.chassis.messaging.event import EventType

Model = TypeVar("Model", bound=pydantic.BaseModel)


class PermanentFailure(Exception):
    """This message can never be handled, however often it is tried: it goes to the dead letters with this
    reason.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One event as it arrived."""

    id: uuid.UUID
    type: str
    subject: str
    sequence: int
    occurred_at: datetime
    routing_key: str
    headers: Mapping[str, Any]
    body: bytes
    traceparent: str | None = None
    """Where its handling stands in its trace."""

    def parse(self, model: builtins.type[Model]) -> Model:
        """The body as `model`; raise `PermanentFailure` if it is not one."""
        try:
            return model.model_validate_json(self.body)
        except pydantic.ValidationError as error:
            # Only where and what kind: the values themselves may be personal.
            places = "; ".join(
                f"{'.'.join(map(str, part['loc'])) or 'body'}: {part['type']}"
                for part in error.errors(include_url=False, include_context=False, include_input=False)
            )
            raise PermanentFailure(f"body is not a {model.__name__}: {places}") from error


Handler = Callable[[sa.Connection, Sequence[Received]], None]
"""Runs inside one transaction with the events' inbox rows. Gets one event, unless the subscription takes
several.

Raise `PermanentFailure` or a `Refusal` to send the message to the dead letters; any other exception, and a
refusal that says the system is unavailable, has it delivered again later. If there were several, each is
tried alone first.
"""


def one_by_one(handle: Callable[[sa.Connection, Received], None]) -> Handler:
    """A handler that does with every event what `handle` does with one; with several, each as a part of its
    own trace.
    """

    def handler(connection: sa.Connection, events: Sequence[Received]) -> None:
        if len(events) == 1:
            handle(connection, events[0])
            return
        for event in events:
            with tracing.start_from(event.traceparent, name=event.type):
                handle(connection, event)

    return handler


@dataclass(frozen=True, slots=True)
class Subscription:
    """One handler and the event types it wants.

    `consumer` is its inbox key, e.g. `depot.parcel-lost`: renaming it makes every old event look
    new.
    """

    consumer: str
    event_types: frozenset[str]
    handler: Handler
    together: bool = False
    """Whether events that wait at the same time may share a transaction; they come by subject and sequence.
    Not if the handler locks, until the transaction ends, what others lock in another order.
    """

    def __post_init__(self) -> None:
        for event_type in self.event_types:
            EventType.parse(event_type)


def check_subscriptions(subscriptions: Sequence[Subscription], consumes: frozenset[str]) -> None:
    """Raise `CannotRunError` unless they handle just the types in `consumes`, each under a name of its
    own.
    """
    handled = frozenset[str]().union(*(subscription.event_types for subscription in subscriptions))
    if difference := handled ^ consumes:
        raise CannotRunError(f"subscriptions and `consumes` differ in {sorted(difference)}")
    names = [subscription.consumer for subscription in subscriptions]
    if len(set(names)) != len(names):
        raise CannotRunError(f"two subscriptions have the same name: {sorted(names)}")
