"""The `deliver` process itself: woken at once, killed without loss, silent about persons."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from deploy.local.ports import free_port
from tests.notifications.support.delivering import Webhooks
from tests.notifications.support.mail_sink import MailSink
from tests.notifications.support.receiver import Receivers, Reply
from tests.notifications.support.world import OTHER_PROVIDER, PROVIDER, Someone, World, booking
from tests.support.polling import PATIENCE_SECONDS, eventually

ROOT = Path(__file__).parents[3]
MARIA = Someone("Mariangela", "mariangela@example.org")


class Deliver:
    """One running process."""

    def __init__(self, world: World, log: Path, **more: object) -> None:
        self.ops = f"127.0.0.1:{free_port()}"
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.notifications", "deliver"],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
                | world.environment(ops_bind=self.ops, log_level="DEBUG", **more),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        eventually(self.is_healthy, timeout_seconds=30)

    def is_healthy(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"http://{self.ops}/health", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def metrics(self) -> str:
        return httpx.get(f"http://{self.ops}/metrics", trust_env=False).text

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)

    def terminate(self) -> None:
        self._process.terminate()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def metric(self, name: str) -> float | None:
        values = [line.rpartition(" ")[2] for line in self.metrics().splitlines() if line.startswith(name)]
        return float(values[0]) if values else None

    def end(self) -> int:
        return self._process.wait(PATIENCE_SECONDS)


@pytest.fixture
def deliver(tmp_path: Path) -> Iterator[Callable[..., Deliver]]:
    running: list[Deliver] = []

    def start(world: World, **more: object) -> Deliver:
        running.append(Deliver(world, tmp_path / f"deliver-{len(running)}.log", **more))
        return running[-1]

    yield start
    for process in running:
        process.kill()


@pytest.fixture
def busy_world(make_world: Callable[..., World], sink: MailSink) -> World:
    world = make_world(
        smtp_url=sink.url, webhook_timeout_seconds=1.0, webhook_lease_seconds=3.0, email_lease_seconds=5.0
    )
    world.knows(MARIA)
    return world


def test_a_webhook_is_sent_at_once_without_waiting_for_the_poll(
    busy_world: World, receiver: Receivers, deliver: Callable[..., Deliver]
) -> None:
    there = receiver()
    Webhooks(busy_world).register(there.url)
    process = deliver(busy_world, deliver_poll_seconds=3_600)
    event_id = busy_world.told(booking(MARIA))
    eventually(lambda: there.requests)
    assert there.requests[0].headers["webhook-id"] == str(event_id)
    assert 'deliver_attempts_total{kind="webhook",state="delivered"} 1.0' in process.metrics()


def test_a_killed_deliverer_loses_nothing(
    busy_world: World, receiver: Receivers, deliver: Callable[..., Deliver]
) -> None:
    answering = threading.Event()
    there = receiver(Reply(after=answering), Reply())
    Webhooks(busy_world).register(there.url)
    process = deliver(busy_world, webhook_timeout_seconds=20)
    event_id = busy_world.told(booking(MARIA))
    eventually(lambda: there.requests)
    process.kill()
    deliver(busy_world)
    eventually(lambda: len(there.requests) == 2)
    answering.set()
    assert {request.headers["webhook-id"] for request in there.requests} == {str(event_id)}
    eventually(lambda: busy_world.scalar("SELECT state FROM webhook_delivery") == "delivered")


def test_asked_to_end_it_finishes_what_it_has_begun(
    busy_world: World, receiver: Receivers, deliver: Callable[..., Deliver]
) -> None:
    answering = threading.Event()
    there = receiver(Reply(after=answering))
    Webhooks(busy_world).register(there.url)
    process = deliver(busy_world, webhook_timeout_seconds=20)
    busy_world.told(booking(MARIA))
    eventually(lambda: there.requests)
    process.terminate()
    answering.set()
    assert process.end() == 0
    assert busy_world.scalar("SELECT state FROM webhook_delivery") == "delivered"


def test_two_deliverers_send_everything_once(
    busy_world: World, sink: MailSink, receiver: Receivers, deliver: Callable[..., Deliver]
) -> None:
    there = receiver()
    Webhooks(busy_world).register(there.url)
    for _ in range(2):
        deliver(busy_world)
    told = {str(busy_world.told(booking(MARIA))) for _ in range(30)}
    eventually(lambda: {request.headers["webhook-id"] for request in there.requests} == told)
    eventually(lambda: len(sink.received) >= 30)
    assert len(there.requests) == 30
    assert len(sink.received) == 30
    assert there.most_under_way <= busy_world.settings.webhook_endpoint_concurrency


def test_a_slow_cooperative_delays_no_other(
    busy_world: World, receiver: Receivers, deliver: Callable[..., Deliver]
) -> None:
    never = threading.Event()
    slow, quick = receiver(Reply(after=never)), receiver()
    hooks = Webhooks(busy_world)
    hooks.register(slow.url)
    hooks.register(quick.url, provider=OTHER_PROVIDER)
    deliver(busy_world, webhook_timeout_seconds=20, webhook_lease_seconds=60, webhook_concurrency=3)
    for _ in range(10):
        busy_world.told(booking(MARIA))
    eventually(lambda: slow.under_way == 2)
    for _ in range(10):
        busy_world.told(booking(MARIA, provider=OTHER_PROVIDER))
    eventually(lambda: len(quick.requests) == 10)
    assert len(slow.requests) == 2
    never.set()


def test_a_cooperative_apart_is_served_by_its_own_process_and_by_no_other(
    busy_world: World, sink: MailSink, receiver: Receivers, deliver: Callable[..., Deliver]
) -> None:
    apart, other = receiver(), receiver()
    hooks = Webhooks(busy_world)
    hooks.register(apart.url)
    hooks.register(other.url, provider=OTHER_PROVIDER)
    first = busy_world.told(booking(MARIA))
    busy_world.told(booking(MARIA, provider=OTHER_PROVIDER))
    shared = deliver(busy_world, cooperatives_apart=PROVIDER)
    eventually(lambda: other.requests and len(sink.received) == 2)
    assert not apart.requests
    waited = 'deliver_oldest_due_seconds{kind="webhook-apart"}'
    eventually(lambda: (shared.metric(waited) or 0) > 0)  # it is missing, and that shows

    own = deliver(busy_world, cooperatives=PROVIDER)
    eventually(lambda: [request.headers["webhook-id"] for request in apart.requests] == [str(first)])
    assert 'kind="email"' not in own.metrics()

    own.pause()
    waiting = [str(busy_world.told(booking(MARIA))) for _ in range(3)]
    busy_world.told(booking(MARIA, provider=OTHER_PROVIDER))
    eventually(lambda: len(other.requests) == 2 and len(sink.received) == 6)
    assert len(apart.requests) == 1
    own.resume()
    eventually(lambda: len(apart.requests) == 4)
    assert {request.headers["webhook-id"] for request in apart.requests} == {str(first), *waiting}
    assert len(other.requests) == 2


def test_the_log_names_no_person_and_no_secret(
    busy_world: World, sink: MailSink, receiver: Receivers, deliver: Callable[..., Deliver]
) -> None:
    there = receiver(Reply(500), Reply())
    hooks = Webhooks(busy_world)
    endpoint = hooks.register(there.url)
    sink.rcpt_replies.append("550 mariangela@example.org is unknown")
    process = deliver(busy_world)
    busy_world.told(booking(MARIA))
    busy_world.told(booking(MARIA))
    eventually(lambda: sink.received and len(there.requests) >= 2)
    eventually(lambda: "email attempted" in process.log.read_text())
    process.terminate()
    process.end()
    text = process.log.read_text()
    assert "webhook attempted" in text
    for word in ("ariangela", "example.org", hooks.secrets[endpoint.id], "domiciliare", str(MARIA.person_id)):
        assert word not in text
    for line in text.splitlines():
        entry: dict[str, Any] = json.loads(line)
        assert entry["service"] == "notifications"


@pytest.mark.parametrize("table", ["email", "webhook_delivery"])
def test_when_one_of_its_loops_cannot_go_on_the_process_ends_to_be_started_again(
    busy_world: World, deliver: Callable[..., Deliver], table: str
) -> None:
    process = deliver(busy_world, deliver_poll_seconds=0.1)
    with busy_world.database.transaction() as connection:
        connection.execute(sa.text(f"ALTER TABLE {table} RENAME TO {table}_gone"))
    assert process.end() != 0
