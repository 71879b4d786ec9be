"""How a message goes on when it was not handled."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.chassis.messaging.delivery import Delivery
from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.processing import Outcome, Verdict
from services.chassis.messaging.publisher import BrokerLost, ConfirmingPublisher, TakesNothing
from services.chassis.messaging.settlement import Settled, Settlement
from services.chassis.messaging.topology import RETRY_DELAYS_MS, Names

NAMES = Names("probe")
FRESH = Delivery(
    headers={"ce-id": "1"},
    body=b"{}",
    routing_key="thing.done.a.b",
    content_type="application/json",
    message_id="1",
    type="ambito.probe.thing.done.v1",
    timestamp=int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()),
    app_id="ambito/probe",
)


def again(delivery: Delivery, message: Outgoing) -> Delivery:
    """The delivery that follows when `message` was published."""
    ours_and_the_brokers = {**message.headers, "x-death": [{"reason": "expired"}], "x-delivery-count": 3}
    return replace(delivery, headers=ours_and_the_brokers)


def test_pauses_grow_and_then_stay() -> None:
    delivery, steps = FRESH, []
    for _ in range(len(RETRY_DELAYS_MS) + 2):
        message = delivery.to_retry(NAMES, "why")
        steps.append(message.routing_key)
        delivery = again(delivery, message)
    last = NAMES.retry_queue(len(RETRY_DELAYS_MS))
    assert steps == [*(NAMES.retry_queue(step) for step in range(1, len(RETRY_DELAYS_MS) + 1)), last, last]
    assert delivery.failures == len(steps)


def test_everything_else_stays_as_it_was() -> None:
    message = again(FRESH, FRESH.to_retry(NAMES, "why")).to_dead(NAMES, "because")
    assert message.exchange == NAMES.dead_exchange
    assert message.headers["x-reason"] == "because"
    assert message.headers["x-routing-key"] == message.routing_key == FRESH.routing_key
    assert message.headers["ce-id"] == "1"
    assert not {"x-death", "x-delivery-count"} & message.headers.keys()
    for name in ("body", "content_type", "message_id", "type", "timestamp", "app_id"):
        assert getattr(message, name) == getattr(FRESH, name)


def test_a_header_whose_name_is_no_text_stays_too() -> None:
    no_text: Any = b"\xff"
    message = replace(FRESH, headers={no_text: 1}).to_dead(NAMES, "because")
    assert message.headers[no_text] == 1


def test_redriven_it_is_as_if_it_had_never_failed() -> None:
    dead = again(FRESH, FRESH.to_dead(NAMES, "because"))
    message = dead.to_redrive(NAMES)
    assert (message.exchange, message.routing_key) == (NAMES.retry_exchange, "again")
    assert message.headers == {"ce-id": "1", "x-routing-key": FRESH.routing_key}
    assert replace(dead, headers=message.headers).failures == 0


def test_the_reason_is_ours_or_else_the_brokers() -> None:
    assert again(FRESH, FRESH.to_dead(NAMES, "because")).reason == "because"
    assert (
        replace(FRESH, headers={"x-death": [{"reason": "delivery_limit"}]}).reason == "broker: delivery_limit"
    )
    assert FRESH.reason == "broker: unknown"
    forged: Any
    for forged in ("much", [], ["once"], [{}], {}):
        assert replace(FRESH, headers={"x-death": forged}).reason == "broker: unknown"


@pytest.mark.parametrize("count", ["many", -1, None, 1.5])
def test_a_count_that_is_none_counts_as_none(count: object) -> None:
    assert replace(FRESH, headers={"x-failures": count}).failures == 0


class ScriptedPublisher(ConfirmingPublisher):
    """Answers as told, one answer for each message."""

    def __init__(self, *answers: dict[int, str] | BrokerLost, connected: bool = True) -> None:
        super().__init__("amqp://nowhere")
        self._next = list(answers)
        self._connected = connected
        self.published: list[Outgoing] = []
        self.would_wait: list[bool] = []

    @property
    def connected(self) -> bool:
        return self._connected

    def publish(self, messages: Sequence[Outgoing], *, wait_on: Callable[[], bool] = bool) -> dict[int, str]:
        [message] = messages
        self.would_wait.append(wait_on())
        answer = self._next.pop(0)
        if isinstance(answer, BrokerLost):
            self._connected = False
            raise answer
        self.published.append(message)
        return answer


def settled(
    publisher: ScriptedPublisher,
    outcome: Outcome,
    delivery: Delivery = FRESH,
    stopping: threading.Event | None = None,
) -> Settled:
    settlement = Settlement(publisher, NAMES, maximum_tries=3, stopping=stopping or threading.Event())
    return settlement.settle(delivery, Verdict(outcome, "why"))


def test_what_is_done_is_acknowledged_and_what_was_not_tried_is_given_back() -> None:
    assert settled(ScriptedPublisher(), Outcome.DONE) is Settled.ACKNOWLEDGE
    assert settled(ScriptedPublisher(), Outcome.RETURN) is Settled.RETURN


def test_the_last_try_ends_with_the_dead_letters() -> None:
    for failures, exchange in (
        (0, NAMES.retry_exchange),
        (1, NAMES.retry_exchange),
        (2, NAMES.dead_exchange),
    ):
        publisher = ScriptedPublisher({})
        delivery = replace(FRESH, headers={"x-failures": failures})
        assert settled(publisher, Outcome.AGAIN, delivery) is Settled.ACKNOWLEDGE
        assert [message.exchange for message in publisher.published] == [exchange]


def test_what_the_broker_does_not_take_is_not_acknowledged() -> None:
    for publisher in (
        ScriptedPublisher({0: "full"}),
        ScriptedPublisher(BrokerLost("gone"), connected=False),
        ScriptedPublisher(BrokerLost("gone"), BrokerLost("still")),
    ):
        assert settled(publisher, Outcome.DEAD) is Settled.RETURN


def test_a_connection_that_died_while_idle_is_opened_again() -> None:
    publisher = ScriptedPublisher(BrokerLost("gone"), {})
    assert settled(publisher, Outcome.AGAIN) is Settled.ACKNOWLEDGE
    assert len(publisher.published) == 1


def test_a_broker_that_takes_nothing_is_waited_for_until_the_worker_stops() -> None:
    publisher, stopping = ScriptedPublisher({}, TakesNothing("still")), threading.Event()
    assert settled(publisher, Outcome.AGAIN, stopping=stopping) is Settled.ACKNOWLEDGE
    stopping.set()
    assert settled(publisher, Outcome.AGAIN, stopping=stopping) is Settled.RETURN  # and not tried again
    assert publisher.would_wait == [True, False]


@pytest.mark.parametrize("outcome", [Outcome.AGAIN, Outcome.DEAD])
def test_what_cannot_be_read_or_written_is_carried_on_by_the_broker(outcome: Outcome) -> None:
    unreadable = replace(FRESH, headers={}, unreadable="UnicodeDecodeError")
    assert unreadable.reason == "its properties cannot be read: UnicodeDecodeError"
    endless = replace(FRESH, headers={"x-failures": 2**63 - 1})
    for delivery in (unreadable, endless):
        publisher = ScriptedPublisher()
        assert settled(publisher, outcome, delivery) is Settled.REJECT
        assert publisher.published == []


def test_what_merely_goes_wrong_is_delivered_again() -> None:
    """An error of the client library is no reason to put aside what may yet be handled."""

    class Broken(ScriptedPublisher):
        def publish(
            self, messages: Sequence[Outgoing], *, wait_on: Callable[[], bool] = bool
        ) -> dict[int, str]:
            raise AttributeError("of a connection that was just collected")

    with pytest.raises(AttributeError):  # which gives the message back
        settled(Broken(), Outcome.AGAIN)
