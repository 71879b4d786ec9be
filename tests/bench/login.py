"""Signing in: what the passwords alone cost, and what the whole of it does."""

from __future__ import annotations

import time
from collections.abc import Sequence

from argon2 import PasswordHasher

from services.identity.settings import IdentitySettings
from tests.bench.load import Request, post
from tests.bench.scenarios import Bench, Throughput
from tests.system.world import World

_ACCOUNTS = 32
"""Twice as many as there are clients: two attempts at one account never meet, so that none is throttled."""
_SETTINGS = IdentitySettings.model_construct(database_url="")
_PARAMETERS = {
    "memory_kib": _SETTINGS.argon2_memory_kib,
    "iterations": _SETTINGS.argon2_iterations,
    "parallelism": _SETTINGS.argon2_parallelism,
    "at_once": _SETTINGS.concurrent_hashings,
}
"""What the installation uses, since it sets nothing else."""


def login(name: str, bench: Bench, world: World) -> Throughput:
    """Citizens sign in with their passwords, each in turn."""
    return Throughput(
        name,
        bench,
        _requests(world),
        unit="sign-ins/s",
        expected_status=201,
        limit=lambda seconds: bench.generator.call(verifications, seconds=seconds),
        limit_is="argon2id alone, with the same parameters, one after another",
        notes={"argon2id": _PARAMETERS},
    )


def verifications(*, seconds: float) -> float:
    """Passwords verified per second, in this thread."""
    hasher = PasswordHasher(
        time_cost=_SETTINGS.argon2_iterations,
        memory_cost=_SETTINGS.argon2_memory_kib,
        parallelism=_SETTINGS.argon2_parallelism,
    )
    hashed = hasher.hash("a password")
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds or not count:
        hasher.verify(hashed, "a password")
        count += 1
    return count / elapsed


def _requests(world: World) -> Sequence[Request]:
    citizens = [world.citizen() for _ in range(_ACCOUNTS)]
    return [
        post("/api/v1/sessions", {"username": each.username, "password": each.password}) for each in citizens
    ]
