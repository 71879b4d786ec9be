"""The REST API as the story's people use it: a client that repeats under its key and says what failed."""

from __future__ import annotations

import time
import uuid
from typing import Any

import httpx

_TRIES_SECONDS = 15.0


class Unexpected(Exception):
    """The story did not go as it must; the message says what was expected and what happened."""


class Portal:
    """One person's, or one system's, session."""

    def __init__(self, base_url: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(
            base_url=f"{base_url}/api/v1",
            headers={"Accept-Language": "en", **headers},
            timeout=10,
            trust_env=False,
        )
        self.base_url = base_url
        self.token = token

    def signed_in(self, username: str, password: str) -> Portal:
        """The same portal, for somebody with an account."""
        tokens = self.post("/sessions", {"username": username, "password": password})["tokens"]
        return Portal(self.base_url, tokens["access_token"])

    def signed_in_client(self, client_id: str, secret: str) -> Portal:
        """The same portal, for a cooperative's system."""
        tokens = self.post("/client-sessions", {"client_id": client_id, "client_secret": secret})
        return Portal(self.base_url, tokens["access_token"])

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", path, params=query)

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Sends it under a fresh idempotency key, and again under the same while the answer asks for it."""
        return self._ask("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        deadline = time.monotonic() + _TRIES_SECONDS
        while True:
            answer = self._client.request(method, path, **options)
            if "Retry-After" in answer.headers and answer.status_code != 429 and time.monotonic() < deadline:
                # A part restarts, or what happened elsewhere is not known there yet.
                time.sleep(min(float(answer.headers["Retry-After"]), 1.0) / 4)
                continue
            if answer.is_success:
                return answer.json() if answer.content else None
            raise Refused(method, path, answer)


class Refused(Unexpected):
    """The API said no."""

    def __init__(self, method: str, path: str, answer: httpx.Response) -> None:
        try:
            self.problem = answer.json()
        except ValueError:
            self.problem = {"detail": answer.text[:200]}
        self.status = answer.status_code
        kind = str(self.problem.get("type", "")).rpartition(":")[2]
        self.type = kind
        fields = ", ".join(f"{item['field']}: {item['reason']}" for item in self.problem.get("errors", ()))
        detail = self.problem.get("detail")
        super().__init__(f"{method} {path} was answered {self.status} {kind}: {detail} {fields}".rstrip())
