"""What is said instead of a page: to a person as a page, to htmx as a redirection, to a stream as its end."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.sse import format_sse_event
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.live_feed import reconnect_milliseconds
from gateway.portal.templates import page, render
from gateway.problems import STATUSES, http_words
from services.chassis.logs import get_logger
from services.chassis.refusal import Kind, Refusal
from services.chassis.rpc.status import RemoteFailure

_PASSING: Final = {Kind.UNAVAILABLE, Kind.THROTTLED, Kind.IN_FLIGHT}
_log = get_logger(__name__)


def install(portal: FastAPI) -> None:
    """Makes every error of `portal` a page."""
    portal.add_exception_handler(Refusal, _on_refusal)
    portal.add_exception_handler(RequestValidationError, _on_validation)
    portal.add_exception_handler(HTTPException, _on_http)
    portal.add_exception_handler(RemoteFailure, _on_fault)
    portal.add_middleware(_Faults)


class _Faults:
    """A page for what nobody foresaw. Starlette's own handler raises it once more, and uvicorn then closes
    the connection under the client.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if begun:
                raise
            answer = await _on_fault(Request(scope), error)
            await answer(scope, receive, send)


def _sign_in_address(request: Request) -> str:
    """Where to sign in, and come back to this page."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    asked_for = {"next": here} if request.method == "GET" and not _is_part(request) else {}
    return "/portal/sign-in" + (f"?{urlencode(asked_for)}" if asked_for else "")


def http_page(status: int, retry_after_seconds: int | None = None) -> Response:
    """The page for something that HTTP itself, not a rule of ours, refuses."""
    return _page(status, http_words(status, "it"), retry_after_seconds)


def end_of_stream(refusal: Refusal) -> str | None:
    """What a page is told whose live updates end for good; None if they may be begun again."""
    if refusal.kind in _PASSING:
        return None
    signed_out = refusal.kind is Kind.UNAUTHENTICATED
    return render("ended.html", message=refusal.message("it"), signed_out=signed_out)


async def _on_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)  # noqa: S101  # what the handler is registered for
    if _is_stream(request):
        return _stream(refusal)
    if refusal.kind is Kind.UNAUTHENTICATED:
        if _is_part(request):
            return Response(status_code=401, headers={"HX-Redirect": _sign_in_address(request)})
        return RedirectResponse(_sign_in_address(request), 303)
    return _page(STATUSES[refusal.kind], refusal.message("it"), refusal.retry_after_seconds)


async def _on_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    fields = ", ".join(sorted({str(item["loc"][-1]) for item in error.errors()}))
    return _page(422, f"La richiesta non è valida: {fields}.")


async def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    answer = http_page(error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _on_fault(_request: Request, error: Exception) -> Response:
    _log.error("request failed", exc_info=error)
    return http_page(500)


def _page(status: int, message: str, retry_after_seconds: int | None = None) -> Response:
    headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    return page("problem.html", status=status, headers=headers, message=message)


def _is_part(request: Request) -> bool:
    return "hx-request" in request.headers


def _is_stream(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("text/event-stream")


def _stream(refusal: Refusal) -> Response:
    """A browser comes back by itself to a stream that has ended, and knows its place; from any other answer
    it does not come back.
    """
    last = end_of_stream(refusal)
    message = format_sse_event(
        event=None if last is None else "ended", data_str=last, retry=reconnect_milliseconds()
    )
    return Response(message, media_type="text/event-stream")
