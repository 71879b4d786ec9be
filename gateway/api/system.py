"""What systems ask of the gateway itself: its state, its keys, and the page on which to try the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastapi_swagger
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.backends import Services
from services.chassis.caller import ANONYMOUS
from services.chassis.refusal import Refusal
from services.chassis.rpc import aio_client
from services.chassis.rpc.status import RemoteFailure
from services.contracts.generated.ambito.identity.v1 import identity_pb2 as pb

router = APIRouter(tags=["system"])

_SWAGGER = Path(fastapi_swagger.__file__).parent / "resources"
_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PAGE = """<!doctype html>
<html lang="it">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ambito: API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body><main id="api"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis]
});
"""
_HEALTH_SECONDS = 1.0


async def _states(channels: Mapping[str, Any]) -> dict[str, str]:
    async def state(channel: Any) -> str:  # noqa: ANN401  # grpc.aio has no public type for stubs' channels
        try:
            answer = await aio_client.call(
                health_pb2_grpc.HealthStub(channel).Check,
                health_pb2.HealthCheckRequest(),
                caller=ANONYMOUS,
                deadline_seconds=_HEALTH_SECONDS,
            )
        except (Refusal, RemoteFailure):
            return "down"
        return "up" if answer.status == health_pb2.HealthCheckResponse.SERVING else "down"

    found = await asyncio.gather(*(state(channel) for channel in channels.values()))
    return dict(zip(channels, found, strict=True))


class StatusResponse(JSONResponse):
    """ModI has the state told as a problem document, also when all is well."""

    media_type = "application/problem+json"


class KeySetResponse(JSONResponse):
    """A JSON Web Key Set."""

    media_type = "application/jwk-set+json"


@router.get("/status", response_class=StatusResponse)
async def status(services: Services) -> StatusResponse:
    """Whether the system works, by ModI (RAC_REST_NAME_011): 200 when every service answers, else 503."""
    states = await _states(services.channels)
    well = all(state == "up" for state in states.values())
    code = 200 if well else 503
    body = {
        "type": "about:blank",
        "title": "OK" if well else "Service Unavailable",
        "status": code,
        "detail": "Every service answers." if well else "Some services do not answer.",
        "services": states,
    }
    headers = {} if well else {"Retry-After": "5"}
    return StatusResponse(body, code, headers)


@router.get("/.well-known/jwks.json", response_class=KeySetResponse)
async def keys(services: Services) -> KeySetResponse:
    """The public keys with which access tokens are verified (RFC 7517)."""
    answer = await services.read(services.sessions.GetKeys, pb.GetKeysRequest(), ANONYMOUS)
    return KeySetResponse(json.loads(answer.jwks), headers={"Cache-Control": "public, max-age=300"})


@router.get("/docs", include_in_schema=False)
async def page() -> HTMLResponse:
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _PAGE_POLICY})


@router.get("/docs/start.js", include_in_schema=False)
async def start_script() -> Response:
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{asset}", include_in_schema=False)
async def asset(asset: str) -> Response:
    if asset not in _ASSETS:
        return Response(status_code=404)
    return FileResponse(
        _SWAGGER / asset, media_type=_ASSETS[asset], headers={"Cache-Control": "public, max-age=86400"}
    )


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    return Response(json.dumps(request.app.openapi()), media_type="application/json")
