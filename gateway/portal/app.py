"""Puts the portal together: pages, static files, and what is said instead of a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.datastructures import State
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.portal import errors, sign_in
from gateway.portal.cooperative import bookings, live
from gateway.portal.session import SessionCookies

PREFIX: Final = "/portal"
_HERE: Final = Path(__file__).parent
_STATIC: Final[dict[str, Path]] = {
    "own": _HERE / "static",
    "bootstrap-italia": _HERE / "node_modules/bootstrap-italia/dist",
    "htmx": _HERE / "node_modules/htmx.org/dist",
    "htmx-sse": _HERE / "node_modules/htmx-ext-sse/dist",
}
"""Under /portal/static. What is not ours is installed by npm, as package-lock.json has it."""
_HEADERS: Final = {
    b"content-security-policy": (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        b" font-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none';"
        b" base-uri 'none'"
    ),
    # With "no-referrer", browsers would not say either where a form comes from.
    b"referrer-policy": b"same-origin",
}


def create_portal(state: State, **settings: Any) -> FastAPI:
    """The application under /portal; `state`: the gateway's; `settings`: FastAPI's."""
    portal = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, **settings)
    portal.state = state
    errors.install(portal)
    for name, directory in _STATIC.items():
        portal.mount(f"/static/{name}", _Static(directory=directory, check_dir=False), name=name)
    for module in (sign_in, bookings, live):
        portal.include_router(module.router)
    portal.add_middleware(SessionCookies)
    portal.add_middleware(_Headers)
    return portal


class _Static(StaticFiles):
    """Files that browsers keep, and ask each time whether they have changed: no page meets the scripts of
    another version.
    """

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, no-cache"
        return response


class _Headers:
    """What browsers may do with pages, unless an answer says otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS.items()]
            await send(message)

        await self._app(scope, receive, send_with_headers)
