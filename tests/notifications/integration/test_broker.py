"""Through the real broker: events in to the worker, the service's own event out by the relay and back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import free_port
from services.chassis.ids import new_id
from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.publisher import ConfirmingPublisher
from services.chassis.messaging.topology import build
from services.chassis.messaging.topology_apply import apply
from services.contracts.events.base import EventData, routing_key
from services.notifications.bootstrap import SERVICE
from tests.notifications.support.delivering import Webhooks
from tests.notifications.support.receiver import Receivers, Reply
from tests.notifications.support.world import PROVIDER, Someone, World, booking
from tests.support.broker import Vhost
from tests.support.polling import PATIENCE_SECONDS, eventually

ROOT = Path(__file__).parents[3]
MARIA = Someone("Maria", None)
SERVICES = ("identity", "catalogue", "vouchers")


@pytest.fixture
def started(world: World, vhost: Vhost, tmp_path: Path) -> Iterator[Callable[[EventData], None]]:
    """A worker and a relay on the world; yields how another service publishes."""
    with httpx.Client(base_url=vhost.management_url, timeout=30, trust_env=False) as management:
        consumes = dict.fromkeys(SERVICES, frozenset[str]()) | {"notifications": SERVICE.consumes}
        topology = build(consumes, retry_delays_ms=(200, 300, 400, 500))
        apply(topology, management, vhost.name, dict.fromkeys((*SERVICES, "notifications"), "password"))
    running = []
    for command in ("worker", "relay"):
        with (tmp_path / f"{command}.log").open("wb") as log:
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "services.notifications", command],
                    cwd=ROOT,
                    env={"PATH": os.environ["PATH"]}
                    | world.environment(amqp_url=vhost.amqp_url, ops_bind=f"127.0.0.1:{free_port()}"),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
    publisher = ConfirmingPublisher(vhost.amqp_url)
    publisher.connect()

    def publish(data: EventData) -> None:
        event_id = str(new_id())
        headers = {
            "ce-specversion": "1.0",
            "ce-id": event_id,
            "ce-type": data.event_type(),
            "ce-source": f"ambito/{data.service}",
            "ce-subject": str(new_id()),
            "ce-time": "2026-11-23T10:00:00Z",
            "ce-sequence": "1",
        }
        message = Outgoing(
            exchange=f"ambito.{data.service}" + (".public" if data.public else ""),
            routing_key=routing_key(type(data), comune="L319", provider=getattr(data, "provider", "-")),
            body=data.to_json(),
            headers=headers,
            message_id=event_id,
            type=data.event_type(),
            timestamp=None,
            app_id=f"ambito/{data.service}",
        )
        assert publisher.publish([message]) == {}

    yield publish
    publisher.close()
    for process in running:
        process.kill()
        process.wait(PATIENCE_SECONDS)
    for log_file in tmp_path.glob("*.log"):
        print(log_file.read_text()[-5_000:])  # noqa: T201  # shown when the test fails


def test_from_an_event_to_inbox_feed_and_webhook_and_back_with_one_of_our_own(
    started: Callable[[EventData], None], world: World, receiver: Receivers
) -> None:
    hooks = Webhooks(world)
    hooks.register(receiver(Reply(410)).url)
    started(booking(MARIA))  # before anybody knows her: the notice waits, the feed does not
    eventually(lambda: world.rows("SELECT 1 FROM feed_event"), timeout_seconds=40)
    started(world.registered(MARIA))
    eventually(lambda: world.rows("SELECT 1 FROM message"), timeout_seconds=30)
    assert hooks.turn() == ["failed"]
    eventually(lambda: len(world.rows("SELECT 1 FROM feed_event")) == 2, timeout_seconds=30)
    last = world.rows("SELECT type, provider, source FROM feed_event ORDER BY position DESC LIMIT 1")
    assert last == [("ambito.notifications.webhook-endpoint.disabled.v1", PROVIDER, "ambito/notifications")]
