"""What several threads want at the same time is done at once: all of it, once, and for the right one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from services.chassis import together
from services.chassis.together import Together
from tests.support.polling import PATIENCE_SECONDS, eventually


class Doubling:
    """Work that waits until it may go on; notes what it was given at once."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.may_go_on = threading.Event()

    def __call__(self, given: Sequence[int]) -> list[int | None]:
        self.calls.append(list(given))
        assert self.may_go_on.wait(PATIENCE_SECONDS)
        if -1 in given:
            raise RuntimeError("one of them")
        return [2 * number if number else None for number in given]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as executor:
        yield executor


def asked_one_after_another(
    doubled: Together[int, int | None], pool: ThreadPoolExecutor, numbers: Sequence[int]
) -> list[Future[int | None]]:
    futures = []
    for count, number in enumerate(numbers):
        futures.append(pool.submit(doubled, number))
        # The first is being served; the others wait.
        eventually(lambda wanted: len(doubled._waiting) == wanted and doubled._turn.locked(), count)
    return futures


def test_who_comes_alone_is_served_alone() -> None:
    work = Doubling()
    work.may_go_on.set()
    doubled = Together(work, at_most=10)
    assert [doubled(number) for number in (3, 0, 5)] == [6, None, 10]
    assert work.calls == [[3], [0], [5]]


def test_who_comes_while_it_is_busy_is_served_with_all_others_in_order(pool: ThreadPoolExecutor) -> None:
    work = Doubling()
    futures = asked_one_after_another(Together(work, at_most=10), pool, range(8))
    work.may_go_on.set()
    assert [future.result(10) for future in futures] == [None, 2, 4, 6, 8, 10, 12, 14]
    assert work.calls == [[0], [1, 2, 3, 4, 5, 6, 7]]


def test_no_more_than_allowed_at_once(pool: ThreadPoolExecutor) -> None:
    work = Doubling()
    futures = asked_one_after_another(Together(work, at_most=3), pool, range(8))
    work.may_go_on.set()
    assert [future.result(10) for future in futures] == [None, 2, 4, 6, 8, 10, 12, 14]
    assert work.calls == [[0], [1, 2, 3], [4, 5, 6], [7]]


def test_it_begins_no_more_often_than_it_should_and_the_first_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    pauses: list[float] = []

    def wait(seconds: float) -> None:
        pauses.append(round(seconds, 3))
        now[0] += seconds

    monkeypatch.setattr(together, "time", SimpleNamespace(monotonic=lambda: now[0]))
    work = Doubling()
    work.may_go_on.set()
    doubled = Together(work, at_most=10, every_seconds=0.5)
    monkeypatch.setattr(doubled._enough, "wait", wait)
    doubled(1)
    assert pauses == []
    now[0] += 0.125
    doubled(2)
    assert pauses == [0.375]
    now[0] += 7
    doubled(3)
    assert pauses == [0.375]


def test_nobody_waits_for_company_that_cannot_come(pool: ThreadPoolExecutor) -> None:
    work = Doubling()
    work.may_go_on.set()
    doubled = Together(work, at_most=3, every_seconds=30)
    assert doubled(1) == 2
    two = [pool.submit(doubled, number) for number in (2, 3)]
    eventually(lambda: len(doubled._waiting) == 2)
    assert len(work.calls) == 1
    third = pool.submit(doubled, 4)
    assert [future.result(10) for future in (*two, third)] == [4, 6, 8]
    assert sorted(work.calls[1]) == [2, 3, 4]


def test_an_error_reaches_those_for_whom_it_happened_and_nobody_else(pool: ThreadPoolExecutor) -> None:
    work = Doubling()
    futures = asked_one_after_another(Together(work, at_most=2), pool, [1, 2, -1, *range(3, 20)])
    work.may_go_on.set()
    assert futures[0].result(10) == 2
    for future in futures[1:3]:
        with pytest.raises(RuntimeError, match="one of them"):
            future.result(10)
    # Whoever of these served the two that failed has his own answer all the same.
    assert [future.result(10) for future in futures[3:]] == list(range(6, 40, 2))


def test_a_crowd_gets_every_answer(pool: ThreadPoolExecutor) -> None:
    work = Doubling()
    work.may_go_on.set()
    doubled = Together(work, at_most=7)
    assert list(pool.map(doubled, range(1, 2_000))) == list(range(2, 4_000, 2))
    assert sorted(number for call in work.calls for number in call) == list(range(1, 2_000))


def test_whoever_serves_others_first_has_his_own_answer_whatever_became_of_theirs() -> None:
    work = Doubling()
    work.may_go_on.set()
    doubled = Together(work, at_most=1)
    other = together._Asked[int, int | None](-1)  # came first, and has not got the turn
    doubled._waiting.append(other)
    assert doubled(3) == 6
    assert isinstance(other.error, RuntimeError)
