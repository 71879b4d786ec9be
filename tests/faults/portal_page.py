"""A cooperative's desk on the portal, open all the time: what a browser does with it, without a browser."""

from __future__ import annotations

import html
import re
from typing import Final

import httpx
from httpx_sse import EventSource, SSEError, connect_sse

from deploy.demo.live_reader import LiveReader

_STREAM: Final = re.compile(r'sse-connect="([^"]+)"')
_LINE: Final = re.compile(r'data-booking="([^"]+)" data-place="([^"]+)">\s*<strong>(\w+)')
_KINDS: Final = {"Nuova": "confirmed", "Annullata": "cancelled", "Visita": "delivered"}
_COOKIE: Final = re.compile(r"([^=]+)=([^;]*)")
_TABLE_SECONDS: Final = 5.0


class PortalPage(LiveReader):
    """Somebody of the staff who signs in, opens the desk, and signs in again when the page says so. The
    stream is begun and gone on with as browsers and htmx do it.
    """

    def __init__(self, base_url: str, slug: str, login: str, password: str) -> None:
        self.lines: list[str] = []
        """Booking and what happened to it, as they came onto the page."""
        self.wrong: list[str] = []
        """What no page should have been answered."""
        self._bookings = f"/portal/cooperatives/{slug}/bookings"
        self._credentials = {"username": login, "password": password}
        self._cookies: dict[str, str] = {}
        self._stream = ""
        self._shown: set[str] = set()
        super().__init__(base_url, token=str, heard=self._show)

    def _look(self) -> None:
        if not self._cookies:
            self._sign_in()
        if not self._stream:
            self._open()
        place = {"Last-Event-ID": self._place} if self._place else {}
        with connect_sse(self._client, "GET", self._stream, headers=self._headers() | place) as source:
            self._socket = source.response.extensions["network_stream"].get_extra_info("socket")
            self._keep_cookies(source.response)
            try:
                source.response.raise_for_status()
                self._listen(source)
            except (httpx.HTTPStatusError, SSEError):
                self._place = ""  # no stream: the next is begun where the page began
                raise
        self._stop.wait(self._pause_seconds)

    def _listen(self, source: EventSource) -> None:
        self._load_table()  # whatever happened before, as live.js
        for message in source.iter_sse():
            self._pause_seconds = (message.retry or self._pause_seconds * 1000) / 1000
            if message.event == "ended":
                if "Accedi" not in message.data:
                    self.wrong.append(f"ended for good: {message.data}")
                self._cookies = {}
                return
            if message.event == "news":
                self._heard(message.data)
            if message.event == "day":
                self._load_table()
            self._place = message.id or self._place
            self._looking.set()

    def _show(self, lines: str) -> None:
        """What is there already is not shown again, as in live.js."""
        for booking, place, word in reversed(_LINE.findall(lines)):
            if place not in self._shown:
                self._shown.add(place)
                self.lines.append(f"{booking} {_KINDS[word]}")

    def _sign_in(self) -> None:
        answer = self._client.post(
            "/portal/sign-in", data=self._credentials, headers={"Sec-Fetch-Site": "same-origin"}
        )
        self._keep_cookies(self._known(answer))
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise httpx.HTTPError(f"signing in is answered {answer.status_code}")

    def _open(self) -> None:
        answer = self._known(self._client.get(self._bookings, headers=self._headers()))
        self._keep_cookies(answer)
        if answer.status_code == httpx.codes.SEE_OTHER:
            self._cookies = {}
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPError(f"the desk is answered {answer.status_code}")
        [address] = _STREAM.findall(answer.text)
        self._stream = html.unescape(address)

    def _load_table(self) -> None:
        part = {"HX-Request": "true"}
        try:
            answer = self._client.get(self._bookings, headers=self._headers() | part, timeout=_TABLE_SECONDS)
        except httpx.HTTPError:
            return
        self._keep_cookies(self._known(answer))

    def _known(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_server_error and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            self.wrong.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}")
        return answer

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}

    def _keep_cookies(self, answer: httpx.Response) -> None:
        # By hand: httpx sends those for TLS only over TLS, browsers also to their own machine.
        for each in answer.headers.get_list("set-cookie"):
            if found := _COOKIE.match(each):
                self._cookies[found[1]] = found[2]
        self._cookies = {name: value for name, value in self._cookies.items() if value.strip('"')}
