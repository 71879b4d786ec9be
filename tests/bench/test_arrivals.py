"""Cooperatives' systems note what arrives, in a process of their own."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest

from tests.bench.webhooks import Webhooks, bare_posts
from tests.system.world import Session

_SECOND_NS = 10**9


@pytest.fixture(scope="module")
def receiver() -> Iterator[Webhooks]:
    with Webhooks(Session, []) as found:
        yield found


def post(receiver: Webhooks, booking: str, occurred_at: str) -> None:
    event = {"type": "t", "timestamp": occurred_at, "data": {"booking_id": booking}}
    request = urllib.request.Request(receiver.url, json.dumps(event).encode(), method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own receiver
        assert answer.status == 204


def test_the_last_arrival_about_each_subject_counts(receiver: Webhooks) -> None:
    post(receiver, "one", "1970-01-01T00:00:01Z")
    post(receiver, "one", "1970-01-01T00:00:02Z")
    post(receiver, "another", "1970-01-01T00:00:03Z")
    found = receiver.wait_for({"one"}, timeout_seconds=10)
    assert found.keys() == {"one"}
    assert found["one"].occurred_ns == 2 * _SECOND_NS < found["one"].arrived_ns
    assert receiver.take() == []  # what was asked for is given once


def test_what_does_not_arrive_is_missing(receiver: Webhooks) -> None:
    assert receiver.wait_for({"never"}, timeout_seconds=0) == {}


def test_a_bare_post_is_no_event(receiver: Webhooks) -> None:
    assert len(bare_posts(receiver.url, rate=1000, seconds=0.01)) == 10
    assert receiver.take() == []
