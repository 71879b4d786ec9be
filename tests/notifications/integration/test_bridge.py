"""The bridge to a cooperative's own broker: nothing lost, in order, whatever ends in the middle."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.containers.certificate import CERTIFICATE, KEY, make_certificate
from tests.notifications.support.bridging import INBOX, SLUG, Bridge, Ours, Theirs, event, first_seen
from tests.support.broker import Broker, Vhost
from tests.support.polling import PATIENCE_SECONDS, eventually

SUBJECTS = 7


@pytest.fixture
def ours(vhost: Vhost) -> Iterator[Ours]:
    made = Ours(vhost)
    yield made
    made.close()


@pytest.fixture(scope="module")
def their_broker(server_directory: Path) -> Iterator[Broker]:
    made = Broker(server_directory / "theirs")
    yield made
    made.close()


@pytest.fixture
def theirs(their_broker: Broker) -> Theirs:
    return Theirs(their_broker.new_vhost())


@pytest.fixture
def bridge(ours: Ours, tmp_path: Path) -> Iterator[Callable[..., Bridge]]:
    started: list[Bridge] = []

    def start(target: str, **more: object) -> Bridge:
        started.append(Bridge(ours, target, tmp_path / f"bridge-{len(started)}.log", **more))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        print(each.log.read_text()[-3_000:])  # noqa: T201 - shown when a test fails


def test_killed_and_with_their_broker_gone_in_the_middle_everything_arrives_in_order(
    ours: Ours, theirs: Theirs, their_broker: Broker, bridge: Callable[..., Bridge]
) -> None:
    published = 0
    over = threading.Event()

    def publish() -> None:
        nonlocal published
        while not over.wait(0.004):
            if published % 50 == 0 and ours.waiting() >= 500:
                continue  # never more than a slow machine takes over before a deadline
            ours.publish(event(published % SUBJECTS, published // SUBJECTS + 1))
            published += 1

    publishing = threading.Thread(target=publish)
    publishing.start()
    try:
        first = bridge(theirs.url, BRIDGE_PREFETCH=20)
        eventually(lambda: theirs.received() >= 50)
        first.kill()
        second = bridge(theirs.url, BRIDGE_PREFETCH=20)
        before = theirs.received()
        eventually(lambda: theirs.received() >= before + 50)
        their_broker.kill()
        eventually(lambda: second.says("the cooperative's broker takes nothing"))
        eventually(lambda: ours.waiting() >= 50)  # given back, where it can be seen
        assert second.health() == 200
        assert "bridge_connected 0.0" in second.metrics()
        their_broker.start()
        eventually(lambda: theirs.received() >= before + 100, timeout_seconds=30)
    finally:
        over.set()
        publishing.join()
    third = bridge(theirs.url)
    eventually(lambda: third.says("standing by"))
    assert second.end() == 0  # what it holds it gives back
    messages = theirs.take()
    wanted_ids = {f"{number % SUBJECTS}-{number // SUBJECTS + 1}" for number in range(published)}

    def all_there() -> bool:
        messages.extend(theirs.take())
        return {message.headers["ce-id"] for message in messages} == wanted_ids

    eventually(all_there, timeout_seconds=30)
    eventually(lambda: ours.waiting() == 0)

    for subject, sequences in first_seen(messages).items():
        assert sequences == sorted(sequences, key=int), subject
    wanted = event(3, 1)
    found = next(message for message in messages if message.headers["ce-id"] == wanted.message_id)
    found.headers.pop("x-delivery-count", None)  # their broker's own, not ours
    assert (found.headers, found.body) == (wanted.headers, wanted.body)
    assert found.delivery_info["routing_key"] == wanted.routing_key
    for name in ("message_id", "type", "timestamp", "app_id", "content_type"):
        assert found.properties[name] == getattr(wanted, name)


def test_what_cannot_be_read_is_in_nobodys_way(
    ours: Ours, theirs: Theirs, bridge: Callable[..., Bridge]
) -> None:
    no_text: Any = b"\xff"
    ours.publish(replace(event(1, 1), type=no_text), event(1, 2), event(2, 1))
    process = bridge(theirs.url)
    eventually(lambda: theirs.received() == 2 and ours.waiting() == 0)
    assert process.says("not passed on")
    assert process.end() == 0
    assert first_seen(theirs.take()) == {"1": ["2"], "2": ["1"]}


def test_what_their_broker_does_not_take_waits_and_nothing_overtakes_it(
    ours: Ours, theirs: Theirs, bridge: Callable[..., Bridge]
) -> None:
    with theirs.channel() as channel:
        channel.queue_unbind(INBOX, "ambito", "#")
        channel.queue_bind(INBOX, "ambito", "booking.cancelled.#")
    process = bridge(theirs.url)
    ours.publish(*(event(subject, sequence) for sequence in (1, 2, 3) for subject in range(3)))
    eventually(lambda: process.says("3 not taken: no queue is bound for it"))
    with theirs.channel() as channel:
        channel.exchange_delete("ambito")
    eventually(lambda: process.says("NOT_FOUND - no exchange 'ambito'"))
    assert theirs.received() == 0
    with theirs.channel() as channel:
        channel.exchange_declare("ambito", "topic", durable=True, auto_delete=False)
        channel.queue_bind(INBOX, "ambito", "#")
    eventually(lambda: theirs.received() == 9 and ours.waiting() == 0)
    assert list(first_seen(theirs.take()).values()) == [["1", "2", "3"]] * 3


class Tls:
    """TLS before a broker that has none."""

    def __init__(self, directory: Path, port: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(directory / CERTIFICATE, directory / KEY)
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
                outside = self._context.wrap_socket(plain, server_side=True)
            except ssl.SSLError:
                continue  # a client that does not trust us
            except OSError:
                return
            inside = socket.create_connection(("127.0.0.1", self._port))
            for source, target in ((outside, inside), (inside, outside)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(65_536):
            target.sendall(chunk)
    except OSError:
        pass
    finally:
        target.close()


def test_their_certificate_must_be_theirs(
    ours: Ours, theirs: Theirs, bridge: Callable[..., Bridge], tmp_path: Path
) -> None:
    make_certificate(tmp_path, ["localhost"])
    at = urlsplit(theirs.url)
    tls = Tls(tmp_path, at.port or 0)
    named = at._replace(scheme="amqps", netloc=f"{at.username}:{at.password}@localhost:{tls.port}").geturl()
    ours.publish(event(1, 1))
    secure = {"BRIDGE_PLAIN_ALLOWED": "false", "BRIDGE_TARGET_AUTHORITIES": tmp_path / CERTIFICATE}
    try:
        unknown = bridge(named, BRIDGE_PLAIN_ALLOWED="false")
        misnamed = bridge(named.replace("localhost", "127.0.0.1"), **secure)
        eventually(lambda: unknown.says("CERTIFICATE_VERIFY_FAILED"))
        eventually(lambda: misnamed.says("CERTIFICATE_VERIFY_FAILED"))
        assert theirs.received() == 0
        bridge(named, **secure)
        eventually(lambda: theirs.received() == 1)
    finally:
        tls.close()


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"BRIDGE_PLAIN_ALLOWED": "false"}, "BRIDGE_TARGET_URL: Value error, not an amqps:// URL"),
        ({"COOPERATIVES": "casa-tiglio,filo-di-lana"}, "COOPERATIVES: Value error, a bridge is of one"),
        ({"COOPERATIVES": ""}, "COOPERATIVES: Value error, a bridge is of one cooperative"),
    ],
)
def test_settings_that_cannot_be_meant_end_it_and_tell_no_secret(
    bridge: Callable[..., Bridge], given: dict[str, str], complaint: str
) -> None:
    process = bridge("amqp://them:secret@127.0.0.1:1/", **given)
    assert process.process.wait(PATIENCE_SECONDS) == 1
    assert complaint in process.log.read_text()
    assert "secret" not in process.log.read_text()


def test_a_broker_of_theirs_that_is_short_of_disk_gets_each_event_once(
    ours: Ours, theirs: Theirs, their_broker: Broker, bridge: Callable[..., Bridge]
) -> None:
    """It reads nothing more from a connection that has published; one that is given up stays, unread."""
    process = bridge(theirs.url, BRIDGE_CONFIRM_TIMEOUT_SECONDS=3)
    ours.publish(event(1, 1))
    eventually(lambda: theirs.received() == 1)
    with their_broker.short_of_disk():
        ours.publish(*(event(subject, 2) for subject in range(SUBJECTS)))
        eventually(lambda: process.says("it is short of disk or memory"))
        eventually(lambda: "bridge_connected 0.0" in process.metrics())
        told = time.monotonic()
        eventually(lambda: time.monotonic() > told + 5)  # longer than for one that says nothing
        assert their_broker.connections(f"ambito bridge of {SLUG}") == 1
        assert process.health() == 200
    eventually(lambda: ours.waiting() == 0 and theirs.received() == SUBJECTS + 1)
    assert "bridge_connected 1.0" in process.metrics()
    assert process.end() == 0
    assert len(theirs.take()) == SUBJECTS + 1
