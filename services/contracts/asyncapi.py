"""JSON schemas and AsyncAPI 3.0 documents, made from the event models.

Two documents: `insiders.yaml` for the services, with every event; `cooperatives.yaml` for cooperatives'
systems, with the public events only and the four ways to receive them (a queue of their own, signed
webhooks, the pull feed, the same live).
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from services.contracts.events.base import EventData, registered_events

_VERSION = "1.0.0"
_PRODUCERS = ("identity", "catalogue", "vouchers", "notifications")

# CloudEvents 1.0, binary mode, as AMQP headers with the prefix ce-
_HEADERS: dict[str, Any] = {
    "type": "object",
    "required": ["ce-specversion", "ce-id", "ce-type", "ce-source", "ce-subject", "ce-time", "ce-sequence"],
    "properties": {
        "ce-specversion": {"const": "1.0"},
        "ce-id": {
            "type": "string",
            "format": "uuid",
            "description": "The event's id; the same at every repetition",
        },
        "ce-type": {"type": "string"},
        "ce-source": {"type": "string", "description": "The producing service, e.g. ambito/catalogue"},
        "ce-subject": {"type": "string", "description": "The aggregate's id"},
        "ce-time": {"type": "string", "format": "date-time", "description": "UTC, RFC 3339"},
        "ce-sequence": {"type": "string", "description": "1, 2, 3 … without a gap within the subject"},
        "ce-dataschema": {"type": "string"},
        "traceparent": {"type": "string", "description": "W3C trace context"},
    },
}

_FOR_COOPERATIVES = """\
Bookings and what happens to them, for a cooperative's own system. Every event reaches you at least once; the
same `ce-id` may come twice, so remember the ids you have handled. Events of one booking carry `ce-sequence`
1, 2, 3 …
Four ways, with the same ids; use one or several:

1. **Your queue.** AMQP 0-9-1, queue `coop.<your slug>`, with the user and password handed to you. Acknowledge
   what you have stored.
2. **Webhooks** by the Standard Webhooks specification: register an HTTPS address with
   `POST /api/v1/webhook-endpoints`; the body is `{"type", "timestamp", "data"}`, `webhook-id` is the
   event's id.
3. **The feed.** `GET /api/v1/events?after=<cursor>`: every event since the cursor, in an order that never
   skips one.
4. **The feed, live**, for whoever looks: `GET /api/v1/events/live` sends the same as Server-Sent Events, the
   moment it is there. The `id` of each is its cursor: sent back as `Last-Event-ID`, nothing is skipped.

The data carry ids and neutral facts only. Details of a booking are read with `GET /api/v1/bookings/{id}`.
"""


def all_events() -> dict[str, type[EventData]]:
    """Event type → model, of all services."""
    for service in _PRODUCERS:
        import_module(f"services.contracts.events.{service}")
    return registered_events()


def write_event_contracts(schemas: Path, asyncapi: Path) -> None:
    """Writes one schema and one example per type to `schemas`, and both documents to `asyncapi`."""
    schemas.mkdir(parents=True)
    asyncapi.mkdir(parents=True)
    events = all_events()
    for name, model in events.items():
        _write_json(schemas / f"{name}.schema.json", _schema(model))
        _write_json(schemas / f"{name}.example.json", json.loads(model.example_data().to_json()))
    public = {name: model for name, model in events.items() if model.public}
    _write_yaml(asyncapi / "insiders.yaml", _insiders(events))
    _write_yaml(asyncapi / "cooperatives.yaml", _cooperatives(public))


def _schema(model: type[EventData]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:ambito:schema:{model.event_type()}",
        **model.model_json_schema(by_alias=True, mode="serialization"),
    }


def _message(model: type[EventData]) -> dict[str, Any]:
    return {
        "name": model.event_type(),
        "summary": (model.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": model.model_json_schema(by_alias=True, mode="serialization"),
        "examples": [{"payload": json.loads(model.example_data().to_json())}],
    }


def _insiders(events: dict[str, type[EventData]]) -> dict[str, Any]:
    channels: dict[str, Any] = {}
    for name, model in events.items():
        exchange = f"ambito.{model.service}" + (".public" if model.public else "")
        channel = channels.setdefault(
            exchange,
            {
                "address": "{aggregate}.{verb}.{comune}.{provider}",
                "description": (
                    "Routing key: <aggregate>.<verb>.<comune's Belfiore code or ->.<provider's slug or ->"
                ),
                "parameters": {part: {} for part in ("aggregate", "verb", "comune", "provider")},
                "messages": {},
                "bindings": {
                    "amqp": {
                        "is": "routingKey",
                        "exchange": {"name": exchange, "type": "topic", "durable": True},
                    }
                },
            },
        )
        channel["messages"][name] = {"$ref": f"#/components/messages/{name}"}
    operations = {
        f"publish.{exchange}": {"action": "send", "channel": {"$ref": f"#/channels/{exchange}"}}
        for exchange in channels
    }
    return _document(
        "Ambito: events between the services",
        "Every event, internal and public.",
        channels,
        operations,
        events,
    )


def _cooperatives(events: dict[str, type[EventData]]) -> dict[str, Any]:
    channels = {
        "queue": {
            "address": "coop.{provider}",
            "parameters": {"provider": {"description": "Your slug"}},
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in events},
            "bindings": {
                "amqp": {
                    "is": "queue",
                    "queue": {"name": "coop.{provider}", "durable": True, "exclusive": False},
                }
            },
        }
    }
    operations = {"receive": {"action": "receive", "channel": {"$ref": "#/channels/queue"}}}
    return _document("Ambito: events for cooperatives", _FOR_COOPERATIVES, channels, operations, events)


def _document(
    title: str,
    description: str,
    channels: dict[str, Any],
    operations: dict[str, Any],
    events: dict[str, type[EventData]],
) -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": _VERSION,
            "description": description,
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {name: _message(model) for name, model in events.items()},
            "schemas": {"headers": _HEADERS},
        },
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))
