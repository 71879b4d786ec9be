"""Rate, errors and duration of every hop on a request's way."""

from __future__ import annotations

from typing import Final

from deploy.observability.panels import Dashboard, Panel, hop, rate

_FAULTS = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"

HOPS: Final = Dashboard(
    "ambito-hops",
    "Ambito: hop by hop",
    [
        *hop(
            "Gateway",
            "gateway_requests_total",
            rate('gateway_requests_total{status=~"5.."}', "route"),
            "gateway_request_seconds",
            "route",
        ),
        *hop(
            "Calls made",
            "rpc_client_calls_total",
            rate(f'rpc_client_calls_total{{code=~"{_FAULTS}"}}', "method"),
            "rpc_client_call_seconds",
            "method",
        ),
        *hop(
            "Calls answered",
            "rpc_calls_total",
            rate(f'rpc_calls_total{{code=~"{_FAULTS}"}}', "method"),
            "rpc_call_seconds",
            "method",
        ),
        *hop(
            "Database",
            "database_seconds_count",
            rate('database_failures_total{reason!="constraint"}', "service"),
            "database_seconds",
            "service",
        ),
        *hop(
            "Outbox to broker",
            "outbox_published_total",
            rate("outbox_refused_total", "service"),
            "outbox_publishing_seconds",
            "service",
        ),
        *hop(
            "Events",
            "events_handled_total",
            rate('events_handled_total{outcome!="done"}', "type"),
            "event_handling_seconds",
            "type",
        ),
        *hop(
            "Consumers",
            "consumer_seconds_count",
            rate("consumer_failures_total", "consumer"),
            "consumer_seconds",
            "consumer",
        ),
        *hop(
            "Webhooks and e-mails",
            "deliver_attempts_total",
            rate('deliver_attempts_total{state!~"delivered|sent"}', "kind"),
            "deliver_attempt_seconds",
            "kind",
        ),
        Panel(
            "Spans by what became of them",
            "ops",
            [(rate("trace_spans_total", "outcome"), "{{outcome}}")],
        ),
        Panel("Jobs", "ops", [(rate("job_turns_total", "name, outcome"), "{{name}} {{outcome}}")]),
    ],
)
