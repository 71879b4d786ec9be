"""What a worker does with one message: find its handlers, run each once, and say what is to become of it."""

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
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
from services.chassis.statements import Statement
from services.chassis.together import Together

_PASSING: Final = frozenset({Kind.UNAVAILABLE, Kind.THROTTLED, Kind.IN_FLIGHT})

_log = get_logger(__name__)
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
_UNKNOWN: Final = "unknown"
"""Instead of a type that nobody here handles: whoever publishes could invent any number of them."""
_TRIES_OF_UNKNOWN: Final = 4
"""Over half a minute: of two versions at work, the newer has it by then."""

_handled = Counter("events_handled_total", "Messages by what became of them", ["type", "outcome"])
_seconds = Histogram(
    "event_handling_seconds",
    "From receipt to outcome, waiting for the database included",
    ["type"],
    buckets=_BUCKETS,
)
_age = Histogram(
    "event_age_seconds", "From what happened to the end of its handling here", ["type"], buckets=_BUCKETS
)
_consumer_seconds = Histogram(
    "consumer_seconds",
    "How long a consumer took for the events of a transaction",
    ["consumer"],
    buckets=_BUCKETS,
)
_consumer_failures = Counter(
    "consumer_failures_total", "Failures of a consumer, before the next try", ["consumer", "outcome"]
)


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
    tries: int | None = None
    """So many are enough, if they are fewer than usual."""


_FAILED: Final = frozenset({Outcome.AGAIN, Outcome.DEAD})
_EVERY_SECONDS: Final = 0.04
"""The next shared transaction begins no sooner after the one before, unless as many wait as can. An event
after a quiet moment does not wait; while many come, a twenty-fifth of a second makes several share one.
"""


class Processor:
    """Runs the subscriptions of one service; safe for concurrent use.

    Handlers run in one transaction with the inbox rows, so their effect happens once however often an event
    arrives. All handlers of an event share a transaction, and so do events that wait at the same time, if
    all that handle them allow it. If a transaction fails, each event has its own, and if that fails, each
    handler: none keeps another from its effect. While the database cannot be reached messages are held, up to
    `database_wait_seconds`: a broken database is no fault of theirs and must not use up their tries.
    """

    def __init__(
        self,
        database: Database,
        tables: MessagingTables,
        subscriptions: Sequence[Subscription],
        *,
        at_once: int,
        database_wait_seconds: float,
        stopping: threading.Event,
        queue: str = "events",
    ) -> None:
        """`at_once`: how many events come at the same time and may share a transaction, at most. `queue`:
        where they come from, as it is called in traces.
        """
        self._database = database
        self._queue = queue
        self._remember = _remember(tables.inbox)
        self._subscriptions = subscriptions
        self._types = frozenset[str]().union(*(each.event_types for each in subscriptions))
        self._alone = frozenset[str]().union(
            *(each.event_types for each in subscriptions if not each.together)
        )
        self._handle_together = Together(self._handle, at_most=at_once, every_seconds=_EVERY_SECONDS)
        self._database_wait_seconds = database_wait_seconds
        self._stopping = stopping

    def process(
        self, headers: Mapping[str, Any], *, content_type: str | None, routing_key: str, body: bytes
    ) -> Verdict:
        """Handle one message; never raises."""
        started = time.perf_counter()
        kind = _UNKNOWN
        try:
            received = from_message(headers, content_type=content_type, routing_key=routing_key, body=body)
        except PermanentFailure as failure:
            verdict = Verdict(Outcome.DEAD, str(failure))
        else:
            if received.type in self._types:
                kind = received.type
            span = self._span(received)
            if span is not None:
                received = replace(received, traceparent=tracing.traceparent_of(span))
            verdict = self._process(received)
            done = verdict.outcome is Outcome.DONE
            tracing.end(span, error=None if done else verdict.outcome.name.lower())
            if done:
                _age.labels(kind).observe(
                    max(0.0, (datetime.now(UTC) - received.occurred_at).total_seconds())
                )
        _seconds.labels(kind).observe(time.perf_counter() - started)
        _handled.labels(kind, verdict.outcome.name.lower()).inc()
        return verdict

    def _span(self, event: Received) -> tracing.Span | None:
        return tracing.begin_from(
            event.traceparent,
            name=f"process {self._queue}",
            kind=tracing.SpanKind.CONSUMER,
            attributes={
                "messaging.system": "rabbitmq",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": self._queue,
                "messaging.message.id": str(event.id),
                "cloudevents.event_type": event.type if event.type in self._types else _UNKNOWN,
            },
        )

    def _process(self, received: Received) -> Verdict:
        if received.type not in self._types:
            # While versions change, one that knows it may be beside this one, and will take it.
            return Verdict(Outcome.AGAIN, f"no handler for type {received.type}", tries=_TRIES_OF_UNKNOWN)
        if received.type in self._alone:
            (verdict,) = self._handle([received])
        else:
            verdict = self._handle_together(received)
        if verdict.outcome is not Outcome.DONE:
            _log.warning(
                "event not handled",
                event_id=str(received.id),
                event_type=received.type,
                consumer=verdict.consumer,
                outcome=verdict.outcome.name.lower(),
                reason=verdict.reason,
            )
        return verdict

    def _handle(self, events: Sequence[Received]) -> list[Verdict]:
        """What becomes of each, if all share a transaction, or else each has its own."""
        if len(events) > 1:
            different = {event.id: event for event in events}.values()
            # In one order everywhere, so that no two processes wait for each other's locks in a circle.
            ordered = sorted(different, key=lambda event: (event.subject, event.sequence))
            verdict = self._run_until_decided(self._of(ordered), ordered)
            if verdict.outcome not in _FAILED:
                return [verdict] * len(events)
        return [self._handle_alone(event) for event in events]

    def _handle_alone(self, event: Received) -> Verdict:
        """The same for one event and those that handle it."""
        with (
            tracing.start_from(event.traceparent, name=event.type),
            bound_contextvars(event_id=str(event.id), event_type=event.type),
        ):
            subscriptions = self._of([event])
            verdict = self._run_until_decided(subscriptions, [event])
            if verdict.outcome in _FAILED and len(subscriptions) > 1:
                for subscription in subscriptions:
                    verdict = self._run_until_decided([subscription], [event])
                    if verdict.outcome is not Outcome.DONE:
                        break
            return verdict

    def _of(self, events: Sequence[Received]) -> list[Subscription]:
        types = {event.type for event in events}
        return [each for each in self._subscriptions if not types.isdisjoint(each.event_types)]

    def _run_until_decided(
        self, subscriptions: Sequence[Subscription], events: Sequence[Received]
    ) -> Verdict:
        deadline = time.monotonic() + self._database_wait_seconds
        pauses = Backoff(first_seconds=0.5, maximum_seconds=3.0)
        while True:
            try:
                verdict = self._run(subscriptions, events)
            except DatabaseLost:
                if self._stopping.wait(pauses.next_seconds()) or time.monotonic() > deadline:
                    return Verdict(Outcome.RETURN, "the database cannot be reached")
                continue
            if verdict.outcome is not Outcome.DONE:
                _consumer_failures.labels(verdict.consumer, verdict.outcome.name.lower()).inc()
            return verdict

    def _run(self, subscriptions: Sequence[Subscription], events: Sequence[Received]) -> Verdict:
        """Those of `subscriptions` that have not handled an event yet do, in one transaction."""
        current = subscriptions[0]
        try:
            with self._database.transaction() as connection:
                new = self._remembered(connection, subscriptions, events)
                for current in subscriptions:
                    if unknown := [event for event in events if (current.consumer, event.id) in new]:
                        with _consumer_seconds.labels(current.consumer).time():
                            current.handler(connection, unknown)
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
            _log.exception("handler failed", consumer=current.consumer, events=len(events))
            return Verdict(Outcome.AGAIN, _reason_of_error(error), current.consumer)
        return Verdict(Outcome.DONE)

    def _remembered(
        self, connection: sa.Connection, subscriptions: Sequence[Subscription], events: Sequence[Received]
    ) -> set[tuple[str, uuid.UUID]]:
        """Writes the inbox rows; consumer and event of those that were not there."""
        # In one order everywhere, for the same reason.
        rows = sorted(
            (event.id, subscription.consumer)
            for event in events
            for subscription in subscriptions
            if event.type in subscription.event_types
        )
        parameters = {"events": [event for event, _ in rows], "consumers": [name for _, name in rows]}
        return {(row.consumer, row.event_id) for row in self._remember.all(connection, parameters)}


def _remember(inbox: sa.Table) -> Statement:
    rows = sa.select(
        sa.func.unnest(sa.bindparam("consumers", type_=sa.ARRAY(sa.Text))),
        sa.func.unnest(sa.bindparam("events", type_=sa.ARRAY(inbox.c.event_id.type))),
    )
    insertion = insert(inbox).from_select(["consumer", "event_id"], rows)
    return Statement(insertion.on_conflict_do_nothing().returning(inbox.c.consumer, inbox.c.event_id))


def _reason_of_refusal(refusal: Refusal) -> str:
    cause = f" ({_reason_of_error(refusal.__cause__)})" if refusal.__cause__ is not None else ""
    return f"{refusal.type}: {refusal.message('en')}{cause}"


def _reason_of_error(error: BaseException) -> str:
    """The error's class, and which constraint it broke; never its text, which may quote somebody's data."""
    original = getattr(error, "orig", None)
    constraint = getattr(getattr(original, "diag", None), "constraint_name", None)
    return type(original or error).__name__ + (f" on {constraint}" if constraint else "")
