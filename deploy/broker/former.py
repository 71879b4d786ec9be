"""Queues of groups of comuni that are served with all others again: they are emptied, then deleted."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx

from services.chassis.messaging.topology import Names, Topology
from services.chassis.messaging.topology_check import TopologyError
from services.chassis.partition import Partition

_COUNTED_EVERY_SECONDS: Final = 6.0
"""Somewhat longer than RabbitMQ takes to bring its counts up to date."""


@dataclass(frozen=True, slots=True)
class Former:
    """A queue of a group that is no more, with its retry queues."""

    queue: str
    messages: int | None
    """In all of them, those included that a worker holds; None while the broker has not counted them."""
    consumers: int

    @property
    def is_over(self) -> bool:
        return self.messages == 0 and self.consumers == 0


def former(wanted: Topology, services: Iterable[str], management: httpx.Client, vhost: str) -> list[Former]:
    """What the broker has of groups that are not in `wanted`; by name.

    Raises:
        TopologyError: the broker's management API does not answer as it must.
    """
    kept = {queue.name for queue in wanted.queues}
    path = f"/api/queues/{quote(vhost, safe='')}"
    counts = {entry["name"]: entry for entry in _get(management, path) if entry["name"] not in kept}
    found = []
    for name in sorted(counts):
        if (names := _names(name, services)) is not None:
            entries = [counts[each] for each in names.working_queues() if each in counts]
            numbers = [_messages(entry) for entry in entries]
            known = [number for number in numbers if number is not None]
            messages = sum(known) if len(known) == len(numbers) else None
            found.append(Former(name, messages, int(counts[name].get("consumers", 0))))
    return found


def forget(wanted: Topology, services: Iterable[str], management: httpx.Client, vhost: str) -> list[Former]:
    """Delete what is empty and read by nobody; what is left. `wanted` must be applied: then nothing is sent
    to any of them any more. Raises TopologyError as `former`.
    """
    seen = former(wanted, services, management, vhost)
    over = {each.queue for each in seen if each.is_over}
    if not over:
        return seen
    time.sleep(_COUNTED_EVERY_SECONDS)  # what was on its way between two of them is counted by now
    for each in former(wanted, services, management, vhost):
        names = _names(each.queue, services)
        if each.queue in over and each.is_over and names is not None:
            for queue in reversed(names.working_queues()):
                _delete(management, f"/api/queues/{quote(vhost, safe='')}/{queue}")
                _delete(management, f"/api/policies/{quote(vhost, safe='')}/{queue}")
            _delete(management, f"/api/exchanges/{quote(vhost, safe='')}/{names.retry_exchange}")
    return former(wanted, services, management, vhost)


def _names(queue: str, services: Iterable[str]) -> Names | None:
    """Whose queue it is, if it is the one that workers of a group consume."""
    for service in services:
        words = queue.removeprefix(f"{Names(service).queue}.apart.")
        if words != queue and "." not in words:
            return Names(service, Partition.of(*words.split("-")))
    return None


def _messages(entry: dict[str, Any]) -> int | None:
    """At rest, held by a worker, or on their way to another queue."""
    if "messages" not in entry:
        return None
    return int(entry["messages"]) + int(entry.get("messages_dlx", 0))


def _get(management: httpx.Client, path: str) -> list[dict[str, Any]]:
    answer = management.get(path)
    if answer.is_error:
        raise TopologyError(f"GET {path}: {answer.status_code} {answer.text[:300]}")
    entries: list[dict[str, Any]] = answer.json()
    return entries


def _delete(management: httpx.Client, path: str) -> None:
    answer = management.delete(path)
    if answer.is_error and answer.status_code != httpx.codes.NOT_FOUND:
        raise TopologyError(f"DELETE {path}: {answer.status_code} {answer.text[:300]}")
