"""Many ask, one answer: for a moment, and never a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from gateway.shared_reads import PublicAnswer, PublicAnswers, Question, SharedReads


class Source:
    """Answers each question with its number; the gate holds answers back."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing = False

    async def __call__(self) -> bytes:
        self.asked += 1
        number = self.asked
        await self.gate.wait()
        if self.failing:
            raise ConnectionError
        return str(number).encode()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 10))


def test_those_who_ask_meanwhile_share_the_answer_and_it_ages() -> None:
    async def test() -> None:
        now, source = [100.0], Source()
        shared = SharedReads[bytes](1.0, now=lambda: now[0])
        source.gate.clear()
        asking = [asyncio.ensure_future(shared.get("q", source)) for _ in range(5)]
        await asyncio.sleep(0)
        now[0] = 200.0  # however long it takes, they wait for the one that is under way
        asking.append(asyncio.ensure_future(shared.get("q", source)))
        await asyncio.sleep(0)
        source.gate.set()
        assert await asyncio.gather(*asking) == [b"1"] * 6
        now[0] += 0.9
        assert await shared.get("q", source) == b"1"
        assert await shared.get("another", source) == b"2"
        now[0] += 0.2
        assert await shared.get("q", source) == b"3"

    run(test)


def test_who_wants_the_state_of_now_gets_it_and_renews_it_for_the_others() -> None:
    async def test() -> None:
        source = Source()
        shared = SharedReads[bytes](60.0)
        assert await shared.get("q", source) == b"1"
        assert await shared.get("q", source, fresh=True) == b"2"
        assert await shared.get("q", source) == b"2"

    run(test)


def test_a_failure_is_told_and_forgotten() -> None:
    async def test() -> None:
        source = Source()
        shared = SharedReads[bytes](60.0)
        source.failing = True
        told = await asyncio.gather(*(shared.get("q", source) for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in told] == [ConnectionError] * 3
        assert source.asked == 1
        source.failing = False
        assert await shared.get("q", source) == b"2"

    run(test)


def test_who_goes_away_takes_nothing_from_the_others() -> None:
    async def test() -> None:
        source = Source()
        shared = SharedReads[bytes](60.0)
        source.gate.clear()
        first = asyncio.ensure_future(shared.get("q", source))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(shared.get("q", source))
        await asyncio.sleep(0)
        first.cancel()
        source.gate.set()
        assert await second == b"1"
        with pytest.raises(asyncio.CancelledError):
            await first
        assert source.asked == 1

    run(test)


def test_no_more_is_kept_than_allowed() -> None:
    async def test() -> None:
        source = Source()
        shared = SharedReads[bytes](60.0, most_bytes=2)
        for question in ("a", "b", "c"):
            await shared.get(question, source)
        assert await shared.get("c", source) == b"3"
        assert await shared.get("a", source) == b"4"

    run(test)


def test_what_is_old_takes_no_room() -> None:
    async def test() -> None:
        now, source = [100.0], Source()
        shared = SharedReads[bytes](1.0, now=lambda: now[0])
        for question in range(100):
            now[0] += 0.125
            await shared.get(question, source)
        assert len(shared._kept) == 8

    run(test)


def test_a_question_asked_anew_while_it_is_under_way_keeps_the_newer_answer() -> None:
    async def test() -> None:
        source = Source()
        shared = SharedReads[bytes](60.0)
        source.gate.clear()
        older = asyncio.ensure_future(shared.get("q", source))
        await asyncio.sleep(0)
        newer = asyncio.ensure_future(shared.get("q", source, fresh=True))
        await asyncio.sleep(0)
        source.gate.set()
        assert [await older, await newer] == [b"1", b"2"]
        assert await shared.get("q", source) == b"2"

    run(test)


def test_a_long_question_takes_room_as_well() -> None:
    """Whoever asks chooses its length: an empty answer to it must not be kept for nothing."""

    async def test() -> None:
        async def empty(question: Question) -> PublicAnswer:
            return PublicAnswer(question, b'{"items":[]}', None)

        answers = PublicAnswers(60.0, most_bytes=1_000)
        questions = [("/api/v1/services", str(number).encode() * 400) for number in range(3)]
        for question in questions:
            await answers.get(question, partial(empty, question))
        assert [answers.kept(question) is not None for question in questions] == [False, True, True]

    run(test)
