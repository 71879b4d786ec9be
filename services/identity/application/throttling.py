"""Charging attempts before they are judged, and giving them back when they were right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.chassis.refusal import Refusal, Unavailable
from services.identity.application.parts import Parts
from services.identity.domain.throttle import BY_ADDRESS, BY_TARGET, Allowance
from services.identity.persistence import throttles


@dataclass(frozen=True, slots=True)
class Meter:
    """One count of attempts. `clears`: a right attempt clears the count, rather than taking one off it."""

    what: str
    value: str
    allowance: Allowance
    clears: bool


def at_target(what: str, value: str) -> Meter:
    """Attempts at one target, e.g. a username: forgotten once somebody gets it right."""
    return Meter(what, value, BY_TARGET, clears=True)


def by_party(what: str, value: str) -> Meter:
    """Attempts by one party. Its right ones do not clear the wrong ones: it may alternate between the two."""
    return Meter(what, value, BY_ADDRESS, clears=False)


def by_address(client_address: str | None) -> tuple[Meter, ...]:
    """Attempts from the network address that the edge saw; nothing to count where there was no edge."""
    return () if client_address is None else (by_party("address", client_address),)


@contextmanager
def throttled(parts: Parts, *meters: Meter) -> Iterator[None]:
    """Charge one attempt to each meter, and give it back unless the block refuses.

    The charge is committed before the block runs, so attempts at the same time are all counted.

    :raises TooManyAttempts: some meter's wait is not over; nothing is charged then
    """
    now = parts.clock.now()
    indexed = sorted((parts.data.index_throttle(meter.what, meter.value), meter) for meter in meters)
    with parts.database.transaction() as connection:
        for index, meter in indexed:  # in one order everywhere, so that nobody waits in a ring
            attempts = throttles.hold(connection, index, now)
            # Asked again when the row is ours: whoever had it until now may have read the clock after us.
            throttles.save(connection, index, attempts.charged(meter.allowance, parts.clock.now()))
    try:
        yield
    except Refusal as refusal:
        if not isinstance(refusal, Unavailable):
            raise
        _give_back(parts, indexed, right=False)
        raise
    _give_back(parts, indexed, right=True)


def _give_back(parts: Parts, indexed: list[tuple[bytes, Meter]], *, right: bool) -> None:
    with parts.database.transaction() as connection:
        for index, meter in indexed:
            if right and meter.clears:
                throttles.forget(connection, index)
            else:
                throttles.give_back(connection, index)
