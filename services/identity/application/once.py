"""Doing a thing once per idempotency key, without keeping anything personal to remember it by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from services.chassis.caller import Caller
from services.identity.application.parts import Parts

_NOBODY = "anonymous"


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """One arrival of a request: its idempotency key, if it has one, and its body."""

    key: str | None
    body: bytes


def once(
    parts: Parts,
    connection: sa.Connection,
    caller: Caller,
    attempt: Attempt,
    *,
    operation: str,
    effect: Callable[[], bytes],
) -> bytes:
    """What `effect` returned the first time. It should be ids only: it is kept as it is.

    Raises what :meth:`services.chassis.idempotency.Idempotency.run` raises.
    """
    return parts.idempotency.run(
        connection,
        actor=caller.subject or _NOBODY,
        key=attempt.key,
        operation=operation,
        request=parts.data.digest_request(attempt.body),
        effect=effect,
    )
