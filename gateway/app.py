"""Puts the gateway together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig

from gateway import problems
from gateway.api import (
    bookings,
    catalogue,
    delegations,
    events,
    live,
    messages,
    people,
    plans,
    sessions,
    system,
    vouchers,
)
from gateway.auth import consumer_of
from gateway.backends import Backends
from gateway.live import LiveFeeds
from gateway.middleware import Edge
from gateway.portal.app import PREFIX, create_portal
from gateway.portal.errors import http_page
from gateway.rates import Rates
from gateway.settings import GatewaySettings
from gateway.shared_reads import Known, PublicAnswers
from services.chassis.tokens import TokenVerifier

VERSION = "1.0.0"

_DESCRIPTION = """\
One portal for a territory's public, private and company-paid welfare.

Errors are `application/problem+json`; `type` is stable, `detail` follows `Accept-Language` (it, en).
Requests that create something take an `Idempotency-Key`. Access tokens are signed Ed25519 JWTs.
Every answer tells the consumer's rate in `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds); beyond
it, 429.
"""
_PROBLEM = {
    "description": "Refused; the problem says why",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "errors", "facts"],
                "properties": {
                    "type": {"type": "string", "examples": ["urn:ambito:problem:voucher-expired"]},
                    "title": {"type": "string"},
                    "status": {"type": "integer", "format": "int32"},
                    "detail": {"type": "string"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                        },
                    },
                    "facts": {"type": "object", "additionalProperties": {"type": "string"}},
                    "request_id": {"type": "string"},
                },
            }
        }
    },
}
# FastAPI would record paths with their ids, and texts of errors; what is told of a request, `Edge` tells.
_SILENT: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
# A request is compared with one route after the other: what is asked for most comes first.
_API = (catalogue, bookings, people, sessions, delegations, plans, vouchers, messages, events, live)


def create_app(settings: GatewaySettings) -> FastAPI:
    """The ASGI application. Channels are opened when it starts and closed when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.backends = Backends.connect(settings)
        yield
        await app.state.backends.close()

    app = _Api(
        title="Ambito",
        version=VERSION,
        description=_DESCRIPTION,
        license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=_operation_id,
        responses={"4XX": _PROBLEM, "5XX": _PROBLEM},
        redirect_slashes=False,
        telemetry=_SILENT,
    )
    app.state.verifier = TokenVerifier(settings.jwks_file)
    app.state.live = LiveFeeds(settings.live_streams_limit)
    app.state.public_answers = PublicAnswers(settings.shared_read_seconds)
    problems.install(app)
    for module in _API:
        app.include_router(module.router, prefix="/api/v1")
    app.include_router(system.router)
    app.add_route(PREFIX, _to_the_portal, include_in_schema=False)
    app.mount(PREFIX, create_portal(app.state, telemetry=_SILENT))
    app.add_middleware(Known, answers=app.state.public_answers, verifier=app.state.verifier)
    app.add_middleware(  # added last, it comes first
        Edge,
        body_limit_bytes=settings.body_limit_bytes,
        connections_limit=settings.connections_limit,
        rates=Rates(settings.requests_per_minute),
        consumer=partial(consumer_of, app.state.verifier),
        pages_under=f"{PREFIX}/",
        page=http_page,
    )
    return app


async def _to_the_portal(_request: Request) -> Response:
    return RedirectResponse(f"{PREFIX}/", HTTPStatus.PERMANENT_REDIRECT)


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The document, in which every number has a format: ModI, RAC_REST_FORMAT_004."""
        if self.openapi_schema is None:
            _adapt(super().openapi())
        return super().openapi()


def _adapt(schema: object) -> None:
    if isinstance(schema, dict):
        if schema.get("type") == "integer":
            schema.setdefault("format", "int64")
        if schema.pop("itemSchema", None):  # of a stream; OpenAPI 3.1 has no word for it
            schema["schema"] = {"type": "string", "description": "Server-Sent Events"}
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            _adapt(part)


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0]}_{route.name}"
