"""What `status` calls a trouble, and how it answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.operating.installation import documents
from deploy.operating.observing import DatabaseState, ServerState
from deploy.operating.processes import instant
from deploy.operating.status import document, span, troubles
from tests.deploy.circumstances import facts, observation, process, queue


def test_an_installation_that_is_well_has_no_troubles() -> None:
    seen = observation()
    assert troubles(seen) == []
    assert json.loads(json.dumps(document(seen, []), default=str))["well"]


def broker(*queues: Any, **changes: Any) -> dict[str, Any]:
    well = facts().broker
    assert well is not None
    named = {each.name for each in queues}
    return {"broker": {"queues": [*(q for q in well.queues if q.name not in named), *queues], **changes}}


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"processes": []}, "gateway has no container"),
        (
            {"processes": [process("a", health="unhealthy"), *observation().processes]},
            "ambito-a-1: unhealthy",
        ),
        (
            {
                "processes": [
                    process("b", runs_once=True, state="exited", exit_code=3),
                    *observation().processes,
                ]
            },
            "ambito-b-1: ended with status 3",
        ),
        ({"unknown": {"broker": "timed out"}}, "broker: timed out"),
        (
            {"databases": {"vouchers": DatabaseState(None, "0002", "behind", 0, 0.0)}},
            "vouchers: the database is behind the code: migration none, the code's is 0002",
        ),
        (
            {"databases": {"vouchers": DatabaseState("0002", "0002", "same", 3, 240.0)}},
            "vouchers: 3 events wait in the outbox, the oldest for 4 min",
        ),
        ({"due_seconds": {"email": 7200.0}}, "deliver: an e-mail has been due for 2 h"),
        (
            {"facts": facts(**broker(queue("vouchers.events", ready=2)))},
            "nobody reads the queue vouchers.events",
        ),
        (
            {"facts": facts(**broker(queue("vouchers.events.dead", ready=2)))},
            "2 dead letters in vouchers.events",
        ),
        (
            {
                "servers": {
                    "postgres": ServerState("primary", True),
                    "postgres-replica": ServerState(None, False),
                }
            },
            "postgres acknowledges what no other server has",
        ),
        ({"servers": {"postgres": ServerState("standby", False)}}, "no PostgreSQL server takes writes"),
        (
            {"servers": dict.fromkeys(("postgres", "postgres-replica"), ServerState("primary", False))},
            "postgres and postgres-replica take writes",
        ),
        ({"facts": facts(**broker(missing_bindings=["from x"]))}, "missing from x"),
        ({"facts": facts(**broker(missing_queues=["coop.a"]))}, "the queue coop.a is missing"),
        ({"facts": facts(**broker(alarms=["too little memory"]))}, "RabbitMQ: too little memory"),
    ],
)
def test_a_trouble_is_told(changes: dict[str, Any], trouble: str) -> None:
    assert any(each.startswith(trouble) for each in troubles(observation(**changes)))


def test_two_servers_of_which_one_follows_are_no_trouble() -> None:
    servers = {"postgres": ServerState("primary", False), "postgres-replica": ServerState("standby", False)}
    assert troubles(observation(servers=servers)) == []


def test_what_has_prepared_and_ended_well_is_no_trouble() -> None:
    over = process("c", runs_once=True, state="exited", health="exited")
    assert troubles(observation(processes=[over, *observation().processes])) == []


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_spans_are_told_in_one_unit(seconds: float, told: str) -> None:
    assert span(seconds) == told


def test_instants_are_read_as_docker_engine_writes_them() -> None:
    assert instant("2026-11-28T15:40:03.028384643Z") == datetime(2026, 11, 28, 15, 40, 3, 28384, UTC)
    assert instant("2026-11-28T15:40:03Z") == datetime(2026, 11, 28, 15, 40, 3, tzinfo=UTC)
    assert instant("0001-01-01T00:00:00Z") is None


def test_answers_are_told_apart_from_the_log() -> None:
    printed = '{"level": "info", "event": "x"}\n{"id": 1}\n2 redriven\n'
    assert documents(printed) == [{"id": 1}]
