"""Throttling of guesses: some are free, then each costs twice the wait of the one before.

An attempt is charged before it is judged, so that many at once cannot slip through together, and given back
when it turns out to be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from services.chassis.refusal import Kind, Refusal


class TooManyAttempts(Refusal):
    """Attempts come faster than a person makes mistakes."""

    kind = Kind.THROTTLED
    type = "too-many-attempts"
    it = "Troppi tentativi: riprovare più tardi."
    en = "Too many attempts: try again later."


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many attempts are free, how long the wait may get, and after how long a pause everything is
    forgotten.
    """

    free: int
    longest_wait: timedelta
    forgotten_after: timedelta

    def wait_after(self, attempts: int) -> timedelta:
        """How long nothing more is accepted after the `attempts`-th attempt in a row."""
        beyond = attempts - self.free
        if beyond <= 0:
            return timedelta()
        seconds = 2 ** min(beyond - 1, 30)
        return min(timedelta(seconds=seconds), self.longest_wait)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts in a row by one party or on one target."""

    count: int
    last_at: datetime
    blocked_until: datetime

    def charged(self, allowance: Allowance, now: datetime) -> Attempts:
        """With one more attempt.

        :raises TooManyAttempts: the wait is not over
        """
        # Two processes' clocks may differ a little: a wait is no longer than it was at the last attempt. An
        # attempt that is further ahead than any wait is long was made by a clock that has gone back since:
        # nobody can wait for that.
        left = self.blocked_until - max(now, self.last_at)
        gone_back = self.last_at - now > allowance.longest_wait
        if left > timedelta() and not gone_back:
            raise TooManyAttempts(retry_after_seconds=ceil(left.total_seconds()))
        count = 1 if now - self.last_at > allowance.forgotten_after else self.count + 1
        return Attempts(count, now, now + allowance.wait_after(count))


BY_TARGET: Final = Allowance(free=5, longest_wait=timedelta(minutes=5), forgotten_after=timedelta(hours=1))
"""Guesses at one account, whoever makes them. The longest wait is short, because others can inflict it on
her.
"""
BY_ADDRESS: Final = Allowance(free=30, longest_wait=timedelta(minutes=15), forgotten_after=timedelta(hours=1))
"""Guesses from one address, behind which a whole office may sit."""
