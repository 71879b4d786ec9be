"""Sending a message that was not handled on its way."""

import threading
import time
from enum import Enum, auto
from typing import Final

from prometheus_client import Counter

from services.chassis import crash_points
from services.chassis.logs import get_logger
from services.chassis.messaging.delivery import CannotPassOn, Delivery
from services.chassis.messaging.outgoing import Outgoing
from services.chassis.messaging.processing import Outcome, Verdict
from services.chassis.messaging.publisher import BrokerLost, ConfirmingPublisher, TakesNothing
from services.chassis.messaging.topology import Names

_TAKES_NOTHING_SECONDS: Final = 600.0
"""That a message waits for a broker that is short of disk or memory. It is not given back meanwhile, because
each time it is delivered anew counts: after twenty it would be among the dead letters.
"""

_log = get_logger(__name__)
_dead = Counter("events_dead_lettered_total", "Messages sent to the dead letters")


class Settled(Enum):
    """What is to be said to the broker of a message."""

    ACKNOWLEDGE = auto()
    """It is done with, or is safe in another queue."""
    RETURN = auto()
    """It is to be delivered again."""
    REJECT = auto()
    """The broker is to put it to the dead letters as it came: only it can carry on what cannot be read or
    written here."""


class Settlement:
    """Publishes failed messages to the retry queues and to the dead letters; safe for concurrent use. When
    `stopping` is set, it waits for the broker no longer.
    """

    def __init__(
        self, publisher: ConfirmingPublisher, names: Names, *, maximum_tries: int, stopping: threading.Event
    ) -> None:
        self._publisher = publisher
        self._names = names
        self._maximum_tries = maximum_tries
        self._stopping = stopping
        self._turn = threading.Lock()

    def settle(self, delivery: Delivery, verdict: Verdict) -> Settled:
        """Do what the verdict says, and what is left to be said to the broker."""
        if verdict.outcome is Outcome.DONE:
            crash_points.crash_point(crash_points.WORKER, delivery.type or "")
            return Settled.ACKNOWLEDGE
        if verdict.outcome is Outcome.RETURN:
            return Settled.RETURN
        reason = verdict.reason
        exhausted = delivery.failures + 1 >= min(self._maximum_tries, verdict.tries or self._maximum_tries)
        if exhausted and verdict.outcome is Outcome.AGAIN:
            reason = f"gave up after {delivery.failures + 1} tries: {reason}"
        dead = exhausted or verdict.outcome is Outcome.DEAD
        try:
            message = (
                delivery.to_dead(self._names, reason) if dead else delivery.to_retry(self._names, reason)
            )
        except CannotPassOn as error:
            dead, reason, settled = True, str(error), Settled.REJECT
        else:
            settled = Settled.ACKNOWLEDGE if self._publish(message) else Settled.RETURN
        if dead and settled is not Settled.RETURN:
            _log.error("dead letter", message_id=delivery.message_id, type=delivery.type, reason=reason)
            _dead.inc()
        return settled

    def _publish(self, message: Outgoing) -> bool:
        until = time.monotonic() + _TAKES_NOTHING_SECONDS

        def wait_on() -> bool:
            return not self._stopping.is_set() and time.monotonic() < until

        with self._turn:
            try:
                was_connected = self._publisher.connected
                try:
                    refused = self._publisher.publish([message], wait_on=wait_on)
                except TakesNothing:
                    raise
                except BrokerLost:
                    if not was_connected:
                        raise
                    # It may have been idle for hours: its connection being gone says nothing about the
                    # broker.
                    refused = self._publisher.publish([message], wait_on=wait_on)
            except BrokerLost as error:
                _log.warning("broker lost", cause=str(error))
                return False
        if refused:
            _log.error(
                "the broker did not take a failed message", exchange=message.exchange, reason=refused[0]
            )
        return not refused
