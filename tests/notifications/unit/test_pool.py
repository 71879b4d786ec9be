"""A pool claims no more than it can begin, and outlives what fails in it."""

import threading

from services.notifications.entrypoints.pool import Pool
from tests.support.polling import PATIENCE_SECONDS, eventually


def test_it_claims_for_its_free_threads_only() -> None:
    asked: list[int] = []
    gate = threading.Event()

    def claim(limit: int) -> list[int]:
        asked.append(limit)
        return [1, 2][:limit]

    def perform(_claim: int) -> str:
        gate.wait(PATIENCE_SECONDS)
        return "done"

    pool = Pool("test", threads=3, claim=claim, perform=perform)
    pool.fill()
    pool.fill()
    pool.fill()
    assert asked == [3, 1]
    assert not pool.wait_idle(0)
    gate.set()
    assert pool.wake.wait(PATIENCE_SECONDS)
    assert pool.wait_idle(10)


def test_what_it_claims_ahead_waits_for_its_turn() -> None:
    asked: list[int] = []
    under_way: list[int] = []
    gate = threading.Event()
    numbers = iter(range(100))

    def claim(limit: int) -> list[int]:
        asked.append(limit)
        return [next(numbers) for _ in range(limit)]

    def perform(claim: int) -> str:
        under_way.append(claim)
        gate.wait(PATIENCE_SECONDS)
        return "done"

    pool = Pool("test", threads=2, ahead=3, claim=claim, perform=perform)
    pool.fill()
    pool.fill()
    assert asked == [5]
    assert sorted(eventually(lambda: under_way if len(under_way) == 2 else None)) == [0, 1]
    gate.set()
    assert pool.wake.wait(PATIENCE_SECONDS), "more may be due than there was room for"
    assert pool.wait_idle(10)
    assert sorted(under_way) == [0, 1, 2, 3, 4]


def test_a_failing_attempt_costs_no_thread() -> None:
    performed: list[int] = []

    def perform(claim: int) -> str:
        performed.append(claim)
        raise RuntimeError

    numbers = iter(range(5))
    pool = Pool("test", threads=1, claim=lambda _limit: [next(numbers)], perform=perform)
    for _ in range(5):
        pool.fill()
        assert pool.wait_idle(10)
    assert eventually(lambda: performed) == [0, 1, 2, 3, 4]


def finished(pool: Pool[str]) -> bool:
    """Whether the pool looks again once what it claims now is done."""
    pool.wake.clear()
    pool.fill()
    assert pool.wait_idle(10)
    return pool.wake.is_set()


def test_it_looks_again_only_if_more_was_due_than_it_could_take() -> None:
    due = ["a", "a", "b"]

    def pool(**limits: int) -> Pool[str]:
        return Pool("test", claim=lambda most: due[:most], perform=lambda _: "done", of=str, **limits)

    assert not finished(pool(threads=4))
    assert finished(pool(threads=3)), "no thread was free"
    assert finished(pool(threads=4, share=2)), "a has all that it may have"
    assert not finished(pool(threads=4, share=3))
