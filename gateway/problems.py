"""Every way to say no over HTTP: `application/problem+json` (RFC 9457), in the caller's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.chassis.logs import get_logger
from services.chassis.refusal import Kind, Language, Refusal
from services.chassis.rpc.status import RemoteFailure
from services.chassis.tracing import request_id

STATUSES: dict[Kind, int] = {
    Kind.INVALID: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.ALREADY_EXISTS: 409,
    Kind.IN_FLIGHT: 409,
    Kind.THROTTLED: 429,
    Kind.UNAVAILABLE: 503,
}

# What the framework itself refuses: type, Italian, English.
_HTTP: dict[int, tuple[str, str, str]] = {
    400: ("malformed-request", "La richiesta non è leggibile.", "The request cannot be read."),
    404: ("no-such-resource", "Questo indirizzo non esiste.", "There is nothing at this address."),
    405: ("method-not-allowed", "Metodo non ammesso.", "This address does not take this method."),
    413: ("body-too-large", "La richiesta è troppo grande.", "The request's body is too large."),
    415: ("unsupported-media-type", "Usare application/json.", "Send application/json."),
    429: (
        "too-many-requests",
        "Troppe richieste: riprovare più tardi.",
        "Too many requests: try again later.",
    ),
    500: ("internal-fault", "Errore interno.", "Something failed on our side."),
    503: ("overloaded", "Troppe richieste in corso.", "Too many requests at this moment."),
}

_log = get_logger(__name__)


def preferred_language(accept_language: str | None) -> Language:
    """Italian, unless English is asked for first."""
    for part in (accept_language or "").lower().split(","):
        tag = part.strip().partition(";")[0]
        if tag.startswith("en"):
            return "en"
        if tag.startswith("it"):
            return "it"
    return "it"


def problem(
    status: int,
    name: str,
    detail: str,
    *,
    errors: Sequence[dict[str, str]] = (),
    facts: dict[str, Any] | None = None,
    retry_after_seconds: int | None = None,
) -> JSONResponse:
    """A problem document. `name` ends its `type`: stable, for programs; `detail` is for people."""
    body: dict[str, Any] = {
        "type": f"urn:ambito:problem:{name}",
        "title": name.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "errors": list(errors),
        "facts": facts or {},
    }
    if (current := request_id()) is not None:
        body["request_id"] = current
    headers: dict[str, str] = {}
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(retry_after_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="ambito"'
    return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")


def http_problem(status: int, language: Language, *, retry_after_seconds: int | None = None) -> JSONResponse:
    """The problem for something that HTTP itself, not a rule of ours, refuses."""
    name, _, _ = _HTTP.get(status, _HTTP[400])
    return problem(status, name, http_words(status, language), retry_after_seconds=retry_after_seconds)


def http_words(status: int, language: Language) -> str:
    """What people are told of something that HTTP itself refuses."""
    _, italian, english = _HTTP.get(status, _HTTP[400])
    return italian if language == "it" else english


def _language(request: Request) -> Language:
    return preferred_language(request.headers.get("accept-language"))


def refused(refusal: Refusal, language: Language) -> JSONResponse:
    """The problem for something that a rule of ours refuses."""
    detail = refusal.message(language)
    errors = [{"field": refusal.field, "reason": detail}] if refusal.field is not None else []
    facts = {name: str(value) for name, value in refusal.facts.items()}
    return problem(
        STATUSES[refusal.kind],
        refusal.type,
        detail,
        errors=errors,
        facts=facts,
        retry_after_seconds=refusal.retry_after_seconds,
    )


async def _on_refusal(request: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)  # noqa: S101  # what the handler is registered for
    return refused(refusal, _language(request))


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return http_problem(400, _language(request))
    # The reason is the validator's; the value itself is never repeated, since it may be personal.
    errors = [
        {
            "field": ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0]),
            "reason": item["msg"],
        }
        for item in found
    ]
    detail = "La richiesta non è valida." if _language(request) == "it" else "The request is not valid."
    return problem(422, "invalid-request", detail, errors=errors)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    response = http_problem(error.status_code, _language(request))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _on_fault(request: Request, error: Exception) -> JSONResponse:
    _log.error("request failed", exc_info=error)
    return http_problem(500, _language(request))


def install(app: FastAPI) -> None:
    """Makes every error of `app` a problem document."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RemoteFailure, _on_fault)
