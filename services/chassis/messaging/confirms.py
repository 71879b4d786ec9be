"""What was sent over one connection, and what the broker has answered for it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

import amqp


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message that the broker has not answered for yet."""

    key: int
    message_id: str | None
    at: float
    """On the monotonic clock."""


class Confirms:
    """Of a channel with confirms. Answers outlive the connection, what was sent does not."""

    def __init__(self) -> None:
        self.any_since_connected = False
        """Whether the broker has answered for a message."""
        self._next_tag = 1
        self._sent: dict[int, _Sent] = {}
        """By the broker's tag, in the order of sending."""
        self._returned: dict[str | None, str] = {}
        self._answers: dict[int, str | None] = {}

    @property
    def missing(self) -> int:
        """Messages that the broker has not answered for."""
        return len(self._sent)

    @property
    def answered(self) -> int:
        return len(self._answers)

    @property
    def oldest_sent_at(self) -> float:
        """On the monotonic clock; of those missing, of which there must be one."""
        return next(iter(self._sent.values())).at

    def watch(self, channel: amqp.Channel) -> None:
        """Of a new connection, on which nothing was sent yet."""
        self._next_tag = 1
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)

    def sending(self, key: int, message_id: str | None) -> None:
        """The next message that is sent over the channel."""
        self._sent[self._next_tag] = _Sent(key, message_id, time.monotonic())
        self._next_tag += 1

    def taken(self) -> Mapping[int, str | None]:
        """Answers since last asked: by key, None or why the broker did not take it."""
        answers, self._answers = self._answers, {}
        return answers

    def forget_sent(self) -> None:
        """The connection is gone."""
        self.any_since_connected = False
        self._sent.clear()
        self._returned.clear()

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple, None)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple, "refused by the broker (a queue is full)")

    def _settle(self, tag: int, multiple: bool, reason: str | None) -> None:
        self.any_since_connected = True
        if multiple:
            tags = list(takewhile(lambda sent: sent <= tag, self._sent))  # tags grow
        else:
            tags = [tag] if tag in self._sent else []
        for each in tags:
            sent = self._sent.pop(each)
            # The broker confirms a returned message right afterwards; what counts is that it went nowhere.
            self._answers[sent.key] = self._returned.pop(sent.message_id, reason)

    def _on_return(self, error: Exception, _exchange: str, _key: str, message: amqp.Message) -> None:
        self._returned[message.properties.get("message_id")] = f"no queue is bound for it: {error}"
