"""A cooperative's webhook receiver that misbehaves: an endpoint of its own each time, beside the good one."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tests.faults.client import Client
from tests.faults.fault import Fault
from tests.faults.records import Records
from tests.faults.site import Site
from tests.notifications.support.receiver import Receiver, Reply

_CALLED_SECONDS = 15.0
_NOTED_SECONDS = 30.0
Answers = Callable[[Receiver], Reply]
"""What it answers, given a receiver that nobody may be sent to."""


def _never(_elsewhere: Receiver) -> Reply:
    return Reply(after=threading.Event())


def _redirect(elsewhere: Receiver) -> Reply:
    return Reply(status=307, headers={"Location": elsewhere.url})


def _fault(_elsewhere: Receiver) -> Reply:
    return Reply(status=500)


def _gone(_elsewhere: Receiver) -> Reply:
    return Reply(status=410)


def _page(_elsewhere: Receiver) -> Reply:
    return Reply(status=200, headers={"Content-Type": "text/html"}, body=b"<html>Welcome</html>")


@contextmanager
def misbehaving(site: Site, chance: random.Random, answers: Answers) -> Iterator[None]:
    """Registered, called at least once, and taken away again by its owner."""
    provider = chance.choice(sorted(site.cooperatives))
    client = Client(site.world, Records(), lambda: site.world.client_token(provider))
    elsewhere = Receiver()
    receiver = Receiver(answers(elsewhere))
    made = client.post("/webhook-endpoints", {"url": receiver.url})
    if made.status != 201:
        raise AssertionError(f"endpoint not taken: {made}")
    endpoint = made.body["endpoint"]["id"]
    try:
        yield
        deadline = time.monotonic() + _CALLED_SECONDS
        while not receiver.requests and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        if elsewhere.requests:
            site.planted.wrong.append("a redirect of a webhook was followed")
        if answers is _gone and receiver.requests and not _is_disabled(client, endpoint):
            site.planted.wrong.append(f"endpoint {endpoint} said that it is gone, and is not disabled")
        client.delete(f"/webhook-endpoints/{endpoint}")
        receiver.close()
        elsewhere.close()


def _is_disabled(client: Client, endpoint: str) -> bool:
    """Whether it becomes so before long; the process that was told may have died of another fault."""
    deadline = time.monotonic() + _NOTED_SECONDS
    while time.monotonic() < deadline:
        items = client.get("/webhook-endpoints").body["items"]
        if any(item["id"] == endpoint and item["state"] == "disabled" for item in items):
            return True
        time.sleep(0.2)
    return False


_PARTS = frozenset({"webhooks"})
FAULTS = tuple(
    Fault(f"a webhook receiver {name}", partial(misbehaving, answers=answers), _PARTS, seconds)
    for name, answers, seconds in (
        ("does not answer", _never, (1.0, 5.0)),
        ("redirects", _redirect, (0.5, 2.0)),
        ("answers 500", _fault, (0.5, 2.0)),
        ("answers 410", _gone, (0.5, 2.0)),
        ("answers with a page", _page, (0.5, 2.0)),
    )
)
