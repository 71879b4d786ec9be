"""Pauses, clocks, ids, jobs, definitions, and the logs' silence about data."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pydantic
import pytest

from services.chassis.backoff import Backoff
from services.chassis.clock import FixedClock, SystemClock
from services.chassis.database import Database
from services.chassis.definition import load
from services.chassis.errors import CannotRunError
from services.chassis.ids import new_id
from services.chassis.jobs import Job
from services.chassis.messaging.envelope import from_message
from services.chassis.messaging.received import PermanentFailure, Subscription, check_subscriptions
from tests.chassis.probe.bootstrap import SERVICE


def test_pauses_double_up_to_their_bound_and_start_again() -> None:
    pauses = Backoff(first_seconds=1, maximum_seconds=8)
    for longest in (1, 2, 4, 8, 8, 8):
        assert longest / 2 <= pauses.next_seconds() <= longest
    pauses.reset()
    assert pauses.next_seconds() <= 1


def test_ids_are_ordered_by_time() -> None:
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(ids)
    assert {one.version for one in ids} == {7}


def test_clocks_tell_aware_instants() -> None:
    assert SystemClock().now().tzinfo is UTC
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(hours=1))
    assert clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - the point


def test_a_job_needs_an_interval() -> None:
    with pytest.raises(ValueError, match="interval"):
        Job("never", 0, lambda _: None)


def test_a_part_is_named_by_module_and_attribute() -> None:
    assert load("tests.chassis.probe.bootstrap:SERVICE") is SERVICE
    with pytest.raises(ValueError, match="is not like"):
        load("tests.chassis.probe.bootstrap")


def test_the_body_of_a_message_is_never_quoted_in_a_failure() -> None:
    class Model(pydantic.BaseModel):
        age: int

    headers: dict[str, Any] = {
        "ce-id": str(new_id()),
        "ce-type": "t",
        "ce-subject": "s",
        "ce-sequence": "1",
        "ce-time": "2026-01-01T00:00:00Z",
    }
    received = from_message(
        headers, content_type="application/json", routing_key="", body=b'{"age": "secret"}'
    )
    with pytest.raises(PermanentFailure) as failure:
        received.parse(Model)
    assert "secret" not in str(failure.value)
    assert "age: int_parsing" in str(failure.value)


def test_subscriptions_are_those_that_were_declared() -> None:
    done = "ambito.probe.thing.done.v1"
    one = Subscription("probe.one", frozenset({done}), lambda _connection, _message: None)
    check_subscriptions([one, replace(one, consumer="probe.two")], frozenset({done}))
    with pytest.raises(CannotRunError, match="same name"):
        check_subscriptions([one, one], frozenset({done}))
    for consumes in (frozenset[str](), frozenset({done, "ambito.probe.thing.left.v1"})):
        with pytest.raises(CannotRunError, match="differ in"):
            check_subscriptions([one], consumes)


LOGGING = """
from services.chassis.logs import configure, get_logger
configure("probe", "test")
secret = "of a person"
try:
    raise ValueError('duplicate key\\nDETAIL:  Key (name)=(of a person) already exists.')
except ValueError:
    get_logger("x").exception("failed", id=7)
"""


def test_logs_are_json_and_quote_neither_rows_nor_variables() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGGING], capture_output=True, text=True, timeout=30, check=True
    )
    [line] = done.stdout.splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["id"], entry["service"], entry["process"]) == ("failed", 7, "probe", "test")
    assert entry["exception"][0]["exc_value"] == "duplicate key"
    assert "of a person" not in line


def test_a_database_is_not_touched_before_it_is_used() -> None:
    Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing").dispose()
