"""What an operator does with dead letters, on the command line."""

import json
from functools import partial
from typing import Any

import amqp

from services.chassis.messaging.connection import connect
from services.chassis.messaging.dead_letters import DeadLetters
from services.chassis.messaging.delivery import Delivery
from tests.chassis.integration.conftest import NAMES, Probe
from tests.chassis.probe.events import DONE, DOOMED, event
from tests.support.polling import eventually


def has_id(message_id: str, letter: Delivery) -> bool:
    return letter.message_id == message_id


def listed(probe: Probe) -> list[dict[str, object]]:
    done = probe.command("dlq", "list")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_list_show_redrive_and_discard(probe: Probe) -> None:
    mended, doomed = event(fail_times=1), event(DOOMED)
    probe.publish(mended, doomed)
    worker = probe.start_worker(WORKER_MAXIMUM_TRIES="1")
    eventually(lambda: probe.depth(NAMES.dead_queue) == 2)

    letters = {letter["id"]: letter for letter in listed(probe)}
    assert letters.keys() == {str(mended.id), str(doomed.id)}
    assert letters[str(doomed.id)]["reason"] == "doomed from the start"
    assert letters[str(mended.id)]["type"] == DONE

    shown = probe.command("dlq", "show", str(mended.id))
    assert json.loads(json.loads(shown.stdout)["body"]) == {"fail_times": 1}

    assert probe.command("dlq", "redrive", str(mended.id)).stdout.endswith("1 redriven\n")
    eventually(lambda: probe.effects(mended) == 1)

    assert probe.command("dlq", "discard", "--type", DOOMED).stdout.endswith("1 discarded\n")
    assert listed(probe) == []
    assert worker.is_running()


def test_what_cannot_be_read_is_listed_stays_and_can_be_discarded(probe: Probe) -> None:
    no_text: Any = b"\xff"
    connection = connect(probe.vhost.amqp_url, timeout_seconds=5, name="test")
    channel = connection.channel()
    for properties in (
        {"type": no_text, "message_id": "1"},
        {"message_id": "2", "content_type": "text/plain", "application_headers": {no_text: 1}},
    ):
        channel.basic_publish_confirm(amqp.Message(b"{}", **properties), NAMES.dead_exchange, "")
    connection.collect()
    eventually(lambda: probe.depth(NAMES.dead_queue) == 2)
    assert [(letter["id"], letter["reason"]) for letter in listed(probe)] == [
        ("-", "its properties cannot be read: UnicodeDecodeError"),
        ("2", "broker: unknown"),
    ]
    assert json.loads(probe.command("dlq", "show", "2").stdout)["id"] == "2"
    done = probe.command("dlq", "redrive", "--all")
    assert done.stdout.endswith("1 redriven\n"), done.stderr
    assert [letter["id"] for letter in listed(probe)] == ["-"]
    assert json.loads(probe.command("dlq", "show", "-").stdout)["body"] == "{}"
    assert probe.command("dlq", "discard", "-").stdout.endswith("1 discarded\n")
    assert listed(probe) == []


def test_who_has_looked_leaves_them_for_the_next_look_at_once(probe: Probe) -> None:
    """A quorum queue has what is given back some milliseconds later: the next look found nothing."""
    connection = connect(probe.vhost.amqp_url, timeout_seconds=5, name="test")
    channel = connection.channel()
    for number in range(50):
        letter = amqp.Message(b"{}", message_id=str(number))
        channel.basic_publish_confirm(letter, NAMES.dead_exchange, "")
    dead_letters = DeadLetters(probe.vhost.amqp_url, "probe")
    for discarded in range(20):
        assert len(dead_letters.matching()) == 50 - discarded
        assert channel.queue_declare(NAMES.dead_queue, passive=True).message_count == 50 - discarded
        assert dead_letters.discard(partial(has_id, str(discarded))) == 1
        assert channel.queue_declare(NAMES.dead_queue, passive=True).message_count == 49 - discarded
    connection.collect()
