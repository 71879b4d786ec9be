"""What it takes to check a token: as with most requests, when it is known already, and the first time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.chassis.tokens import TokenVerifier
from tests.bench.figures import Result, Round
from tests.bench.scenarios import Generator

_MICROSECONDS = 1e6
_SHARE = 1 / 4
"""Of a round's time: there are limit and figure, and both are steady."""

Measure = Callable[[Path, Sequence[str], float], float]
"""Microseconds each, from the file of the keys, the tokens and for how many seconds to measure."""


class TokenCheck:
    """Microseconds for one check, in a process that does nothing else."""

    def __init__(
        self,
        name: str,
        generator: Generator,
        keys: Path,
        tokens: Sequence[str],
        *,
        measure: Measure,
        limit: Measure,
        limit_is: str,
    ) -> None:
        """`keys`: a JWKS file. `tokens`: good ones, fewer than a verifier remembers."""
        self.name = name
        self._generator = generator
        self._keys = keys
        self._tokens = tokens
        self._measure = measure
        self._limit = limit
        self._limit_is = limit_is
        self._rounds: list[Round] = []

    def warm_up(self) -> None:
        self._microseconds(self._measure, 0)

    def round(self, seconds: float) -> None:
        limit = self._microseconds(self._limit, seconds)
        self._rounds.append(Round(value=self._microseconds(self._measure, seconds), limit=limit))

    def last(self) -> str:
        last = self._rounds[-1]
        return f"{last.value:.2f} µs; the limit {last.limit:.2f} µs"

    def result(self) -> Result:
        return Result(
            scenario=self.name,
            unit="µs",
            rounds=self._rounds,
            limit_is=self._limit_is,
            smaller_is_better=True,
            notes={"tokens": len(self._tokens)},
        )

    def faults(self) -> Iterator[str]:
        """None: a token that is refused ends the run."""
        return iter(())

    def remark(self) -> str:
        """None."""
        return ""

    def _microseconds(self, measure: Measure, seconds: float) -> float:
        return self._generator.call(measure, self._keys, self._tokens, seconds * _SHARE)


def token_checks(
    known: str, first: str, generator: Generator, keys: Path, tokens: Sequence[str]
) -> Iterator[TokenCheck]:
    """Both scenarios, under these names."""
    yield TokenCheck(
        known,
        generator,
        keys,
        tokens,
        measure=known_check,
        limit=look_up,
        limit_is="looking the same token up in a dict",
    )
    yield TokenCheck(
        first,
        generator,
        keys,
        tokens,
        measure=first_check,
        limit=bare_signature,
        limit_is="verifying the same Ed25519 signature alone",
    )


def known_check(keys: Path, tokens: Sequence[str], seconds: float) -> float:
    """Of tokens that were verified before."""
    verifier = TokenVerifier(keys)
    for token in tokens:
        verifier.verify(token)
    return _each(lambda: verifier.verify, tokens, seconds)


def first_check(keys: Path, tokens: Sequence[str], seconds: float) -> float:
    """Of tokens that were never seen, once the keys are read."""

    def fresh() -> Callable[[str], object]:
        verifier = TokenVerifier(keys)
        verifier.verify(tokens[0])
        return verifier.verify

    return _each(fresh, tokens[1:], seconds)


def look_up(keys: Path, tokens: Sequence[str], seconds: float) -> float:
    """Of a dict's own method."""
    known = dict.fromkeys(tokens, 0)
    return _each(lambda: known.__getitem__, tokens, seconds)


def bare_signature(keys: Path, tokens: Sequence[str], seconds: float) -> float:
    """Of the cryptography alone."""
    key = jwt.PyJWKSet.from_json(keys.read_text()).keys[0].key
    assert isinstance(key, Ed25519PublicKey)
    signed = []
    for token in tokens:
        content, _, signature = token.rpartition(".")
        signed.append((jwt.utils.base64url_decode(signature), content.encode()))
    return _each(lambda: lambda pair: key.verify(*pair), signed, seconds)


def _each(prepare: Callable[[], Callable[..., object]], items: Sequence[object], seconds: float) -> float:
    """Microseconds of what `prepare` returns for one item: median of as many passes as the time allows."""
    passes: list[float] = []
    end = time.perf_counter() + seconds
    while not passes or time.perf_counter() < end:
        check = prepare()
        started = time.perf_counter()
        for item in items:
            check(item)
        passes.append((time.perf_counter() - started) / len(items))
    return statistics.median(passes) * _MICROSECONDS
