"""A process says how much it has handled, and when it is healthy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import Counter

from services.chassis import ops
from tests.bench.doubled import Counted

_CARRIED = Counter("bench_parcels_total", "Carried", ["by"])
_CARRIED_FAR = Counter("bench_parcels_total_far_total", "Of another name that begins alike", ["by"])


class _Broken(Exception):
    """Not healthy."""


@pytest.fixture
def healthy() -> list[bool]:
    return [True]


@pytest.fixture
def process(healthy: list[bool]) -> Iterator[Counted]:
    def check() -> None:
        if not healthy.pop(0):
            raise _Broken

    server = ops.serve("127.0.0.1:0", {"check": check})
    host, port = server.address
    yield Counted("carrier", f"{host}:{port}", "bench_parcels_total")
    server.stop()


def test_what_was_handled_is_the_sum_over_all_labels(process: Counted) -> None:
    before = process.handled()
    _CARRIED.labels("bicycle").inc(2)
    _CARRIED.labels("ship").inc(1_000_000)
    _CARRIED_FAR.labels("ship").inc(7)
    assert process.handled() - before == 1_000_002


def test_it_is_waited_for_until_it_is_healthy(process: Counted, healthy: list[bool]) -> None:
    healthy[:] = [False, False, True]
    process.wait_ready()
    assert healthy == []
