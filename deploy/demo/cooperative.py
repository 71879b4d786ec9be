"""The cooperative's side of the story: its four ways to hear of a booking."""

from __future__ import annotations

import fcntl
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.demo.live_reader import LiveReader
from deploy.demo.portal import Portal, Unexpected
from deploy.demo.receiver import Receiver
from deploy.demo.telling import eventually, expect

_SUBSCRIBER = Path(__file__).with_name("subscriber.py")
_LOOK_SECONDS = 20.0
_DOCUMENT = Path(__file__).parents[2] / "services" / "contracts" / "asyncapi" / "cooperatives.yaml"


@contextmanager
def reserved(directory: Path, slug: str) -> Iterator[bool]:
    """Whether this telling has the cooperative for itself: two on one queue would share its events."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{slug}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


class Subscriber:
    """The separate process that reads the cooperative's queue."""

    def __init__(self, amqp_url: str, slug: str) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self._lines: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, str(_SUBSCRIBER), str(_DOCUMENT), slug],
            env={"PATH": os.environ.get("PATH", ""), "AMQP_URL": amqp_url},
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, name="subscriber", daemon=True).start()

    def wait_ready(self) -> None:
        eventually(lambda: self._take() == "ready", "the cooperative's subscriber to connect")

    def event(self, subject: str, type_ending: str) -> dict[str, Any]:
        """The event about `subject` whose type ends so; waits for it."""

        def probe() -> dict[str, Any] | None:
            while (line := self._take()) is not None:
                received = json.loads(line)
                self.events[received["subject"] + received["type"]] = received
            return next(
                (
                    event
                    for event in self.events.values()
                    if event["subject"] == subject and event["type"].endswith(type_ending)
                ),
                None,
            )

        found = eventually(probe, f"{type_ending} of {subject} on the cooperative's queue")
        if found["complaints"]:
            raise Unexpected(f"the event keeps to its contract; the subscriber says {found['complaints']}")
        return found

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line.rstrip("\n"))

    def _take(self) -> str | None:
        try:
            return self._lines.get_nowait()
        except queue.Empty:
            if self._process.poll() is not None:
                raise Unexpected("the cooperative's subscriber to run; it ended") from None
            return None


class Cooperative:
    """A cooperative whose systems are connected: queue, webhook and feed, which its desk looks at live."""

    def __init__(self, portal: Portal, slug: str, amqp_url: str, host: str) -> None:
        """`host`: an address of ours that webhooks can be sent to."""
        self.slug = slug
        self.portal = portal
        self.receiver = Receiver(host)
        self.subscriber = Subscriber(amqp_url, slug)
        self.subscriber.wait_ready()
        made = portal.post("/webhook-endpoints", {"url": self.receiver.url})
        self.receiver.secret = made["secret"]
        self._endpoint = made["endpoint"]["id"]
        self._cursor = portal.get("/events", after="now")["next_cursor"]
        self._seen: dict[str, dict[str, Any]] = {}
        self._desk = LiveReader(portal.base_url, lambda: portal.token, self._see)
        expect(self._desk.wait_looking(_LOOK_SECONDS), f"{slug}'s desk to look at the live feed")

    def _see(self, event: dict[str, Any]) -> None:
        self._seen[event["id"]] = event

    def webhook(self, event_id: str) -> dict[str, Any]:
        """The verified delivery of that event; waits for it."""
        return eventually(
            lambda: self.receiver.received.events.get(event_id), f"a signed webhook delivery of {event_id}"
        )

    def feed(self, event_id: str) -> dict[str, Any]:
        """The feed's entry of that event; waits for it."""

        def probe() -> dict[str, Any] | None:
            page = self.portal.get("/events", after=self._cursor, limit=500)
            return next((event for event in page["items"] if event["id"] == event_id), None)

        return eventually(probe, f"{event_id} in the feed")

    def live(self, event_id: str) -> dict[str, Any]:
        """That event as its desk has seen it; waits for it."""
        return eventually(lambda: self._seen.get(event_id), f"{event_id} on the live feed")

    def close(self) -> None:
        self._desk.close()
        self.portal.delete(f"/webhook-endpoints/{self._endpoint}")
        self.subscriber.close()
        self.receiver.close()
