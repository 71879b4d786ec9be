"""A cooperative's queue on our broker, a broker of its own, and the process between them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import amqp
import httpx

from deploy.local.ports import free_port
from services.chassis.messaging.connection import connect
from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.publisher import ConfirmingPublisher
from services.chassis.messaging.topology import Names, SubscriberQueue, build
from services.chassis.messaging.topology_apply import apply
from tests.support.broker import Vhost
from tests.support.polling import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]
SLUG = "casa-tiglio"
USER = f"coop-{SLUG}"
PASSWORD = "p/ss:w@rd"
EXCHANGE = Names("catalogue").public_exchange
QUEUE = SubscriberQueue(f"coop.{SLUG}", USER, ((EXCHANGE, f"*.*.*.{SLUG}"),))
INBOX = "inbox"


def event(subject: int, sequence: int) -> Outgoing:
    """As a relay publishes it."""
    return Outgoing(
        exchange=EXCHANGE,
        routing_key=f"booking.confirmed.L319.{SLUG}",
        body=b'{"booking_id": "%d"}' % subject,
        headers={
            "ce-id": f"{subject}-{sequence}",
            "ce-subject": str(subject),
            "ce-sequence": str(sequence),
            "traceparent": f"00-{subject:032x}-{sequence:016x}-01",
        },
        message_id=f"{subject}-{sequence}",
        type="ambito.catalogue.booking.confirmed.v1",
        timestamp=1_796_000_000,
        app_id="ambito/catalogue",
    )


class Ours:
    """The cooperative's queue where it belongs, filled by a relay's publisher."""

    def __init__(self, vhost: Vhost) -> None:
        self._vhost = vhost
        with httpx.Client(base_url=vhost.management_url, timeout=30, trust_env=False) as management:
            passwords = {USER: PASSWORD, "catalogue": PASSWORD}
            apply(build({"catalogue": frozenset()}, [QUEUE]), management, vhost.name, passwords)
        self._publisher = ConfirmingPublisher(vhost.amqp_url)
        at = urlsplit(vhost.amqp_url)
        self.url = f"amqp://{USER}@{at.hostname}:{at.port}/{quote(vhost.name, safe='')}"

    def publish(self, *events: Outgoing) -> None:
        assert self._publisher.publish(events) == {}

    def waiting(self) -> int:
        return depth(self._vhost.amqp_url, QUEUE.name)

    def close(self) -> None:
        self._publisher.close()


class Theirs:
    """A virtual host of the cooperative's, with an exchange and a queue that takes everything from it."""

    def __init__(self, vhost: Vhost) -> None:
        self.url = vhost.amqp_url
        with self.channel() as channel:
            channel.exchange_declare("ambito", "topic", durable=True, auto_delete=False)
            arguments = {"x-queue-type": "quorum"}
            channel.queue_declare(INBOX, durable=True, auto_delete=False, arguments=arguments)
            channel.queue_bind(INBOX, "ambito", "#")

    @contextmanager
    def channel(self) -> Iterator[amqp.Channel]:
        connection = connect(self.url, timeout_seconds=5, name="theirs")
        try:
            yield connection.channel()
        finally:
            connection.collect()

    def received(self) -> int:
        return depth(self.url, INBOX)

    def take(self) -> list[amqp.Message]:
        """Everything that came, in order."""
        taken = []
        with self.channel() as channel:
            while (message := channel.basic_get(INBOX, no_ack=True)) is not None:
                taken.append(message)
        return taken


def first_seen(messages: list[amqp.Message]) -> dict[str, list[str]]:
    """Of each subject, the sequences in the order in which each was seen first."""
    seen: defaultdict[str, list[str]] = defaultdict(list)
    for message in messages:
        sequences = seen[message.headers["ce-subject"]]
        if message.headers["ce-sequence"] not in sequences:
            sequences.append(message.headers["ce-sequence"])
    return seen


def depth(url: str, queue: str) -> int:
    connection = connect(url, timeout_seconds=5, name="test")
    try:
        return int(connection.channel().queue_declare(queue, passive=True).message_count)
    finally:
        connection.collect()


class Bridge:
    """One running process."""

    def __init__(self, ours: Ours, target: str, log: Path, **more: object) -> None:
        self.ops = f"http://127.0.0.1:{free_port()}"
        self.log = log
        given: dict[str, Any] = {
            "COOPERATIVES": SLUG,
            "AMQP_URL": ours.url,
            "AMQP_PASSWORD": PASSWORD,
            "BRIDGE_TARGET_URL": target,
            "BRIDGE_PLAIN_ALLOWED": "true",
            "BRIDGE_RETRY_MAXIMUM_SECONDS": "0.5",
            "OPS_BIND": self.ops.removeprefix("http://"),
        }
        environment = {name: str(value) for name, value in (given | more).items()}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.notifications", "bridge"],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"]} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def says(self, text: str) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return text in self.log.read_text()

    def health(self) -> int:
        return httpx.get(f"{self.ops}/health", trust_env=False).status_code

    def metrics(self) -> str:
        return httpx.get(f"{self.ops}/metrics", trust_env=False).text

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)
