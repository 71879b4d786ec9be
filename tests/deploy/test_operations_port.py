"""What is made of the answers of an operations port: a real one, asked by the same words through a shell."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from docker.models.containers import Container

from deploy.local.ports import free_port
from deploy.operating.installation import Done, Installation, OperationError
from deploy.operating.operations_port import metrics_of, status_of
from services.chassis import ops


class Here:
    """An installation whose only container is this machine, and its port another one."""

    def __init__(self, port: int) -> None:
        self._port = port

    def run_in(self, _container: object, *command: str, timeout_seconds: float) -> Done:
        here = [part.replace("/9100", f"/{self._port}") for part in command]
        assert here != list(command)
        done = subprocess.run(here, capture_output=True, text=True, timeout=timeout_seconds, check=False)
        return Done(done.returncode, done.stdout, done.stderr)


UNANSWERED = "^ambito-vouchers-relay-1: no answer on its operations port"
CONTAINER = cast(Container, type("Named", (), {"name": "ambito-vouchers-relay-1"}))


def asked(port: int) -> dict[str, Any]:
    return status_of(cast(Installation, Here(port)), CONTAINER)


def test_the_status_and_the_metrics_of_a_process() -> None:
    server = ops.serve("127.0.0.1:0", {}, lambda: {"outbox": {"waiting": 3}})
    try:
        assert asked(server.address[1]) == {"outbox": {"waiting": 3}}
        names = {each.name for each in metrics_of(cast(Installation, Here(server.address[1])), CONTAINER)}
        assert "process_start_time_seconds" in names
    finally:
        server.stop()


def away() -> Mapping[str, Any]:
    raise ops.CannotTellError("the database does not answer: refused")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(away, "the database does not answer: refused"), (None, "a version that does not tell")],
)
def test_what_cannot_be_told_is_an_error_with_its_reason(status: ops.Status | None, reason: str) -> None:
    server = ops.serve("127.0.0.1:0", {}, status)
    try:
        with pytest.raises(OperationError, match=f"^ambito-vouchers-relay-1: {reason}$"):
            asked(server.address[1])
    finally:
        server.stop()


def test_who_is_turned_away_because_others_have_no_answer_is_told_so() -> None:
    asking, answer = threading.Semaphore(0), threading.Event()

    def stands_still() -> Mapping[str, Any]:
        asking.release()
        answer.wait(30)
        return {}

    server = ops.serve("127.0.0.1:0", {}, stands_still)
    port = server.address[1]
    with ThreadPoolExecutor(ops.MAX_CONCURRENT_REQUESTS) as pool:
        others = [pool.submit(asked, port) for _ in range(ops.MAX_CONCURRENT_REQUESTS)]
        try:
            for _ in others:
                assert asking.acquire(timeout=20)
            with pytest.raises(OperationError, match=UNANSWERED):
                asked(port)
        finally:
            answer.set()
        assert [each.result() for each in others] == [{}] * len(others)
    server.stop()


def test_where_nobody_listens_the_reason_is_told() -> None:
    with pytest.raises(OperationError, match=f"{UNANSWERED}: .*Connection refused"):
        asked(free_port())
