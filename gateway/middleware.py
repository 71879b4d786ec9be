"""What happens to every request before and after its route.

One pure ASGI layer, because it is on every hot path.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus

from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import http_problem, preferred_language
from gateway.rates import Rate, Rates
from services.chassis.logs import get_logger
from services.chassis.tracing import Span, SpanKind, mark_failed, request_id, start_from

_REQUESTS = Counter("gateway_requests_total", "Requests answered.", ["method", "route", "status"])
_SECONDS = Histogram(
    "gateway_request_seconds",
    "Time until the answer begins.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 6),
)
_UNDER_WAY = Gauge("gateway_requests_under_way", "Requests being answered now.")

_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""Of every answer that does not say it otherwise."""
_WITH_BODY = {"POST", "PUT", "PATCH"}
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"

_log = get_logger(__name__)


class Edge:
    """Request id and trace, limits on bodies, rates and requests under way, security headers, a log line.

    `consumer` tells whose a request is counted as. Paths that begin with `pages_under` are for people: bodies
    are HTML forms there, not JSON, and what is refused is said by `page`, given the status and the seconds
    after which to try again.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_limit_bytes: int,
        connections_limit: int,
        rates: Rates,
        consumer: Callable[[Scope], str],
        pages_under: str,
        page: Callable[[int, int | None], Response],
    ) -> None:
        self._app = app
        self._body_limit = body_limit_bytes
        self._connections_limit = connections_limit
        self._rates = rates
        self._consumer = consumer
        self._pages_under = pages_under
        self._page = page
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        with start_from(
            headers.get("traceparent"),
            headers.get("x-request-id"),
            name=scope["method"],
            kind=SpanKind.SERVER,
            attributes={"http.request.method": scope["method"], "url.scheme": scope["scheme"]},
        ) as span:
            await self._answer(scope, headers, receive, send, span)

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send, span: Span) -> None:
        started = time.perf_counter()
        begun_after: float | None
        status, begun_after = HTTPStatus.INTERNAL_SERVER_ERROR.value, None
        rate = self._rates.take(self._consumer(scope))

        async def send_with_headers(message: Message) -> None:
            nonlocal status, begun_after
            if message["type"] == "http.response.start":
                status, begun_after = message["status"], time.perf_counter() - started
                said = dict(message["headers"])
                message["headers"] = [
                    *message["headers"],
                    *(header for header in _SECURITY_HEADERS if header[0] not in said),
                    *rate.headers(),
                    (b"x-request-id", (request_id() or "").encode()),
                ]
            await send(message)

        self._under_way += 1
        _UNDER_WAY.set(self._under_way)
        try:
            refusal = self._refused(scope, headers, rate)
            if refusal is not None:
                retry = {
                    HTTPStatus.SERVICE_UNAVAILABLE: 1,
                    HTTPStatus.TOO_MANY_REQUESTS: rate.reset_seconds,
                }.get(refusal)
                answer = self._said(scope, headers, refusal, retry)
                await answer(scope, receive, send_with_headers)
                return
            try:
                await self._app(scope, _Bounded(receive, self._body_limit), send_with_headers)
            except Exception:  # whatever it is, the client gets a problem and the log the rest
                if begun_after is not None:
                    raise
                _log.exception("request failed")
                answer = self._said(scope, headers, HTTPStatus.INTERNAL_SERVER_ERROR)
                await answer(scope, receive, send_with_headers)
        finally:
            self._under_way -= 1
            _UNDER_WAY.set(self._under_way)
            lasted = time.perf_counter() - started
            self._record(scope, status, span, lasted, lasted if begun_after is None else begun_after)

    def _refused(self, scope: Scope, headers: Headers, rate: Rate) -> HTTPStatus | None:
        """The status with which the request is refused before it is read, if it is."""
        if rate.exceeded:
            return HTTPStatus.TOO_MANY_REQUESTS
        if self._under_way > self._connections_limit:
            return HTTPStatus.SERVICE_UNAVAILABLE
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return HTTPStatus.BAD_REQUEST
        if int(length) > self._body_limit:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        has_body = length != "0" or "transfer-encoding" in headers
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        expected = _FORM if self._is_page(scope) else _JSON
        if scope["method"] in _WITH_BODY and has_body and media_type != expected:
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        return None

    def _is_page(self, scope: Scope) -> bool:
        return bool(scope["path"].startswith(self._pages_under))

    def _said(self, scope: Scope, headers: Headers, status: int, retry: int | None = None) -> Response:
        if self._is_page(scope):
            return self._page(status, retry)
        language = preferred_language(headers.get("accept-language"))
        return http_problem(status, language, retry_after_seconds=retry)

    def _record(self, scope: Scope, status: int, span: Span, lasted: float, begun_after: float) -> None:
        # The route's template, never the path: paths hold ids, and there must be few label values.
        route = getattr(scope.get("route"), "path", "-")
        _REQUESTS.labels(scope["method"], route, status).inc()
        _SECONDS.labels(scope["method"], route).observe(begun_after)
        if span.is_recording():
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                mark_failed(span, str(status))
        client = scope.get("client") or ("-", 0)
        _log.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            milliseconds=round(lasted * 1000, 1),
            client=client[0],
            consumer=scope.get("state", {}).get("consumer", "-"),
        )


class _Bounded:
    """`receive`, which stops a body that grows past the limit."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message
