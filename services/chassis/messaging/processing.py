"""What a worker does with one message: find its handlers, run each once, and say what is to become of it."""

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import sqlalchemy as sa
from prometheus_client import Counter, Histogram
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql import insert
from structlog.contextvars import bound_contextvars

from services.chassis import tracing
from services.chassis.backoff import Backoff
from services.chassis.database import Database, DatabaseLost
from services.chassis.logs import get_logger
from services.chassis.messaging.envelope import from_message
from services.chassis.messaging.received import PermanentFailure, Received, Subscription
from services.chassis.messaging.tables import MessagingTables
from services.chassis.refusal import Kind, Refusal

_PASSING: Final = frozenset({Kind.UNAVAILABLE, Kind.THROTTLED, Kind.IN_FLIGHT})

_log = get_logger(__name__)
_handled = Counter("events_handled_total", "Messages by what became of them", ["outcome"])
_seconds = Histogram("event_handling_seconds", "From receipt to outcome, waiting for the database included")


class Outcome(Enum):
    """What is to become of a message."""

    DONE = auto()
    """Handled now or earlier: acknowledge."""
    AGAIN = auto()
    """Failed in a way that may pass: deliver again later, and count."""
    DEAD = auto()
    """Can never be handled: to the dead letters."""
    RETURN = auto()
    """Not tried, through no fault of its own: give it back."""


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    reason: str = ""
    consumer: str = ""
    """Whose failure it is, if it is one consumer's."""


_FAILED: Final = frozenset({Outcome.AGAIN, Outcome.DEAD})


class Processor:
    """Runs the subscriptions of one service.

    Each handler runs in one transaction with its inbox row, so its effect happens once however often the
    event arrives. An event that several handle is handled by all in one transaction; if that fails, by each
    in its own, so that none keeps another from its effect. While the database cannot be reached the message
    is held, up to `database_wait_seconds`: a broken database is no fault of the message and must not use up
    its tries.
    """

    def __init__(
        self,
        database: Database,
        tables: MessagingTables,
        subscriptions: Sequence[Subscription],
        *,
        database_wait_seconds: float,
        stopping: threading.Event,
    ) -> None:
        self._database = database
        self._remember = _remember(tables.inbox)
        self._by_type: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in subscriptions:
            for event_type in subscription.event_types:
                self._by_type[event_type].append(subscription)
        self._database_wait_seconds = database_wait_seconds
        self._stopping = stopping

    def process(
        self, headers: Mapping[str, Any], *, content_type: str | None, routing_key: str, body: bytes
    ) -> Verdict:
        """Handle one message; never raises."""
        with _seconds.time():
            try:
                received = from_message(
                    headers, content_type=content_type, routing_key=routing_key, body=body
                )
            except PermanentFailure as failure:
                verdict = Verdict(Outcome.DEAD, str(failure))
            else:
                verdict = self._process(received)
        _handled.labels(verdict.outcome.name.lower()).inc()
        return verdict

    def _process(self, received: Received) -> Verdict:
        traceparent = received.headers.get("traceparent")
        with (
            tracing.start_from(traceparent, name=received.type),
            bound_contextvars(event_id=str(received.id), event_type=received.type),
        ):
            subscriptions = self._by_type.get(received.type)
            if not subscriptions:
                return Verdict(Outcome.DEAD, f"no handler for type {received.type}")
            verdict = self._run_until_decided(subscriptions, received)
            if verdict.outcome in _FAILED and len(subscriptions) > 1:
                for each in subscriptions:
                    verdict = self._run_until_decided([each], received)
                    if verdict.outcome is not Outcome.DONE:
                        break
            if verdict.outcome is not Outcome.DONE:
                _log.warning(
                    "event not handled",
                    consumer=verdict.consumer,
                    outcome=verdict.outcome.name.lower(),
                    reason=verdict.reason,
                )
            return verdict

    def _run_until_decided(self, subscriptions: Sequence[Subscription], received: Received) -> Verdict:
        deadline = time.monotonic() + self._database_wait_seconds
        pauses = Backoff(first_seconds=0.5, maximum_seconds=3.0)
        while True:
            try:
                return self._run(subscriptions, received)
            except DatabaseLost:
                if self._stopping.wait(pauses.next_seconds()) or time.monotonic() > deadline:
                    return Verdict(Outcome.RETURN, "the database cannot be reached")

    def _run(self, subscriptions: Sequence[Subscription], received: Received) -> Verdict:
        """Those of `subscriptions` that have not handled the event yet do, in one transaction."""
        current = subscriptions[0]
        try:
            with self._database.transaction() as connection:
                new = self._remembered(connection, subscriptions, received)
                for current in subscriptions:
                    if current.consumer in new:
                        current.handler(connection, received)
        except DatabaseLost:
            raise
        except PermanentFailure as failure:
            return Verdict(Outcome.DEAD, str(failure), current.consumer)
        except Refusal as refusal:
            outcome = Outcome.AGAIN if refusal.kind in _PASSING else Outcome.DEAD
            return Verdict(outcome, _reason_of_refusal(refusal), current.consumer)
        except exc.DataError as error:  # a value in the message that the database can never hold
            return Verdict(Outcome.DEAD, _reason_of_error(error), current.consumer)
        except Exception as error:  # noqa: BLE001 - logged; the message is tried again
            _log.exception("handler failed", consumer=current.consumer)
            return Verdict(Outcome.AGAIN, _reason_of_error(error), current.consumer)
        return Verdict(Outcome.DONE)

    def _remembered(
        self, connection: sa.Connection, subscriptions: Sequence[Subscription], received: Received
    ) -> set[str]:
        """Writes the inbox rows; the consumers that had none."""
        consumers = [each.consumer for each in subscriptions]
        return set(connection.scalars(self._remember, {"consumers": consumers, "event": received.id}))


def _remember(inbox: sa.Table) -> sa.Executable:
    """Built once: SQLAlchemy takes longer to build a statement than PostgreSQL to execute it."""
    rows = sa.select(
        sa.func.unnest(sa.bindparam("consumers", type_=sa.ARRAY(sa.Text))),
        sa.bindparam("event", type_=inbox.c.event_id.type),
    )
    insertion = insert(inbox).from_select(["consumer", "event_id"], rows)
    return insertion.on_conflict_do_nothing().returning(inbox.c.consumer)


def _reason_of_refusal(refusal: Refusal) -> str:
    cause = f" ({_reason_of_error(refusal.__cause__)})" if refusal.__cause__ is not None else ""
    return f"{refusal.type}: {refusal.message('en')}{cause}"


def _reason_of_error(error: BaseException) -> str:
    """The error's class, and which constraint it broke; never its text, which may quote somebody's data."""
    original = getattr(error, "orig", None)
    constraint = getattr(getattr(original, "diag", None), "constraint_name", None)
    return type(original or error).__name__ + (f" on {constraint}" if constraint else "")
