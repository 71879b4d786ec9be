"""Events on their way to the broker: which they are, what came of each, and how long it took."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import Counter, Histogram

from services.chassis import tracing
from services.chassis.messaging.envelope import to_message
from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.pending import Row
from services.chassis.messaging.topology_parts import exchange_of

_published = Counter(
    "outbox_published_total",
    "Events confirmed by the broker; area: the third word of the routing key",
    ["type", "area"],
)
_refused = Counter(
    "outbox_refused_total", "Events the broker did not take; each is offered again later", ["type"]
)
_seconds = Histogram(
    "outbox_publishing_seconds",
    "From the event's row to the broker's confirm",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)


@dataclass(frozen=True, slots=True)
class Flight:
    """One event that the broker has not answered for yet."""

    row: Row
    span: tracing.Span | None


class Flights:
    """All that are on their way, by the numbers of their rows."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._flights: dict[int, Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def subjects(self) -> list[str]:
        """The aggregates of which one is on its way."""
        return [flight.row["subject"] for flight in self._flights.values()]

    def begin(self, rows: Iterable[Row]) -> dict[int, Outgoing]:
        """The messages for these rows, which are on their way from now on."""
        messages = {}
        for row in rows:
            span = self._span(row)
            self._flights[row["id"]] = Flight(row, span)
            position = row["traceparent"] if span is None else tracing.traceparent_of(span)
            messages[row["id"]] = to_message(row, self._service, traceparent=position)
        return messages

    def landed(self, answers: Mapping[int, str | None]) -> None:
        """The broker has answered for these: with None, or with why it did not take the event."""
        now = datetime.now(UTC)
        for number, reason in answers.items():
            flight = self._flights.pop(number)
            kind = flight.row["type"]
            if reason is None:
                _published.labels(kind, flight.row["routing_key"].split(".")[2]).inc()
                _seconds.observe(max(0.0, (now - flight.row["created_at"]).total_seconds()))
            else:
                _refused.labels(kind).inc()
            tracing.end(flight.span, error=None if reason is None else "refused")

    def forget(self) -> None:
        """The connection is gone: nobody knows what came of them."""
        for flight in self._flights.values():
            tracing.end(flight.span, error="lost")
        self._flights.clear()

    def _span(self, row: Row) -> tracing.Span | None:
        exchange = exchange_of(self._service, public=row["public"])
        return tracing.begin_from(
            row["traceparent"],
            name=f"publish {exchange}",
            kind=tracing.SpanKind.PRODUCER,
            attributes={
                "messaging.system": "rabbitmq",
                "messaging.operation.name": "publish",
                "messaging.operation.type": "send",
                "messaging.destination.name": exchange,
                "messaging.message.id": str(row["event_id"]),
                "cloudevents.event_type": row["type"],
            },
        )
