"""Cooperatives' systems, connected to their queues: a process with one thread for each queue, on pika.

The functions here are run in that process; `Consumer` is how the others talk to it.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import NoReturn, Self

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

PREFETCH = 200
_START_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Arrival:
    """A message: when it arrived and when its event occurred, both in nanoseconds since 1970."""

    subject: str
    type: str
    arrived_ns: int
    occurred_ns: int


_arrivals: list[Arrival] = []
_lock = threading.Lock()


def _listen(urls: Mapping[str, str]) -> None:
    started = []
    for queue, url in urls.items():
        ready = threading.Event()
        threading.Thread(target=_consume, args=(queue, url, ready), daemon=True, name=queue).start()
        started.append(ready)
    if not all(ready.wait(_START_TIMEOUT_SECONDS) for ready in started):
        raise TimeoutError("a queue could not be read")


def _consume(queue: str, url: str, ready: threading.Event) -> NoReturn:
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.basic_qos(prefetch_count=PREFETCH)

    def receive(
        channel: BlockingChannel, method: Basic.Deliver, properties: BasicProperties, _body: bytes
    ) -> None:
        now = time.time_ns()
        headers = properties.headers or {}
        occurred = datetime.fromisoformat(headers["ce-time"]).timestamp()
        arrival = Arrival(headers["ce-subject"], headers["ce-type"], now, int(occurred * 1e9))
        with _lock:
            _arrivals.append(arrival)
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, receive)
    ready.set()
    channel.start_consuming()
    raise ConnectionError(f"{queue} is read no more")


def _take() -> list[Arrival]:
    global _arrivals
    with _lock:
        taken, _arrivals = _arrivals, []
    return taken


class Consumer:
    """The process. `urls`: AMQP URL by queue."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        self.pid: int = self._pool.submit(os.getpid).result()
        self._pool.submit(_listen, urls).result()

    def take(self) -> list[Arrival]:
        """What arrived since it was last asked."""
        return self._pool.submit(_take).result()

    def wait_for(self, subjects: set[str], timeout_seconds: float) -> dict[str, Arrival]:
        """The last arrival about each of the subjects; without those that did not come in time."""
        found: dict[str, Arrival] = {}
        deadline = time.monotonic() + timeout_seconds
        while True:
            found |= {arrival.subject: arrival for arrival in self.take() if arrival.subject in subjects}
            if len(found) == len(subjects) or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._pool._processes.values():
            process.terminate()  # its threads read their queues for ever
        self._pool.shutdown()
