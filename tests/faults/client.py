"""A good client: it repeats what was not answered, under the same key, until it is."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.records import Records
from tests.system.world import Session, World

REPEAT_SECONDS = 120.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_LATER = (429, 503)


@dataclass(frozen=True)
class Reply:
    """A definite answer. `asked`: how often the request was sent; with more than once, an earlier answer may
    have been lost.
    """

    http: httpx.Response
    asked: int

    @property
    def status(self) -> int:
        return self.http.status_code

    @property
    def refusal(self) -> str:
        """The name of the problem; empty if it is none."""
        return name_of(self.http)

    @property
    def body(self) -> Any:
        return self.http.json()

    def __str__(self) -> str:
        return f"{self.status} {self.http.text[:300]} (asked {self.asked} times)"


class NoAnswer(Exception):
    """Nothing definite came for as long as the most patient client waits."""


class Client:
    """Somebody who signs in, and again when the token has run out."""

    def __init__(
        self,
        world: World,
        records: Records,
        token: Callable[[], str] | None = None,
        *,
        address: str | None = None,
    ) -> None:
        """`token` signs in and returns an access token; without it, nobody is signed in. `address`: as of
        Session.
        """
        self._records = records
        self._token = token
        self._session = world.session(address=address)
        if token is not None:
            self._sign_in(token, time.monotonic() + REPEAT_SECONDS)

    def get(self, path: str, **query: Any) -> Reply:
        """Reads."""
        return self._until_answered(f"GET {path}", lambda session: session.get(path, **query))

    def post(self, path: str, body: Any, key: str | None = None) -> Reply:
        """Makes or changes something, under `key` or a new one."""
        key = key or str(uuid.uuid4())
        return self._until_answered(f"POST {path}", lambda session: session.post(path, body, key=key))

    def delete(self, path: str) -> Reply:
        """Takes something away."""
        return self._until_answered(f"DELETE {path}", lambda session: session.http.delete(f"/api/v1{path}"))

    def once(self, path: str, body: Any, key: str) -> httpx.Response | None:
        """Asks a single time; None if there was no answer."""
        return self._ask(path, lambda session: session.post(path, body, key=key))

    def hang_up(self, path: str, body: Any, key: str, *, after_seconds: float) -> None:
        """Asks, and goes away when there is no answer soon; nobody learns what it would have been."""
        headers = {"Idempotency-Key": key}
        with suppress(httpx.TransportError):
            self._session.http.post(f"/api/v1{path}", json=body, headers=headers, timeout=after_seconds)

    def _until_answered(self, what: str, send: Callable[[Session], httpx.Response]) -> Reply:
        deadline = time.monotonic() + REPEAT_SECONDS
        asked = 0
        while True:
            asked += 1
            answer = self._ask(what, send)
            if answer is not None and not _comes_later(answer):
                return Reply(answer, asked)
            if time.monotonic() > deadline:
                told = "nothing" if answer is None else f"{answer.status_code} {answer.text[:300]}"
                raise NoAnswer(f"{what}: after {REPEAT_SECONDS:.0f} s and {asked} times, still {told}")
            time.sleep(_pause_seconds(answer, asked))

    def _ask(self, what: str, send: Callable[[Session], httpx.Response]) -> httpx.Response | None:
        try:
            answer = send(self._session)
        except httpx.TimeoutException:
            self._records.see("no answer in time")
            return None
        except httpx.TransportError as error:
            connected = not isinstance(error, httpx.ConnectError)
            self._records.see("connection cut" if connected else "no connection")
            return None
        self._records.see(f"{answer.status_code} {name_of(answer)}".strip())
        if fault := _undocumented(answer):
            self._records.blame(f"{what}: {answer.status_code} {fault}: {answer.text[:300]}")
            return None  # a fault of theirs; a client tries again
        if answer.status_code == 401 and self._token is not None:
            self._sign_in(self._token, deadline=0)
            return None
        return answer

    def _sign_in(self, token: Callable[[], str], deadline: float) -> None:
        """At least one attempt, and more until the deadline; without success, as nobody."""
        while True:
            try:
                self._session.http.headers["Authorization"] = f"Bearer {token()}"
            except (httpx.TransportError, AssertionError):
                self._records.see("could not sign in")
                if time.monotonic() > deadline:
                    return
                time.sleep(_FIRST_PAUSE_SECONDS)
            else:
                return


def name_of(answer: httpx.Response) -> str:
    """What kind of problem it is; empty if it is none."""
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return ""
    return str(answer.json()["type"]).removeprefix("urn:ambito:problem:")


def _undocumented(answer: httpx.Response) -> str:
    """What the API's documentation does not know: a failure that is no problem document, a fault of ours, and
    a "later" that does not say when.
    """
    if answer.status_code < 400:
        return ""
    if answer.status_code >= 500 and answer.status_code != 503:
        return "a fault"
    if not name_of(answer):
        return "not a problem document"
    if answer.status_code in _LATER and "Retry-After" not in answer.headers:
        return "without Retry-After"
    return ""


def _comes_later(answer: httpx.Response) -> bool:
    return answer.status_code in _LATER or "Retry-After" in answer.headers


def _pause_seconds(answer: httpx.Response | None, asked: int) -> float:
    """As long as the answer asks for; longer each time if there was none."""
    wanted: float = _FIRST_PAUSE_SECONDS * 2 ** min(asked - 1, 4)
    if answer is not None:
        wanted = float(answer.headers.get("Retry-After", wanted))
    return min(wanted, _LONGEST_PAUSE_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311 - spread, not a secret
