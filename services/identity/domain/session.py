"""Sessions: families of refresh tokens, of which only the newest are good.

Each token is exchanged for its successor. If one comes again later, two parties hold the family: which of
them stole it cannot be told, so the whole family ends. Within a short grace it is no theft yet: a browser
with two open pages asks twice at the same moment, and an answer that was lost is asked for again. From then
on the family has two newest tokens, and a thief who was so quick goes on beside the owner until it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.chassis.refusal import Kind, Refusal


class SessionEnded(Refusal):
    """The refresh token is unknown, used, expired or revoked: which of them is not said."""

    kind = Kind.UNAUTHENTICATED
    type = "session-ended"
    it = "La sessione è terminata: occorre accedere di nuovo."
    en = "The session has ended: please sign in again."


class Verdict(StrEnum):
    """What to do with a refresh token that was presented."""

    ROTATE = "rotate"
    """It is the newest of a living family, or was until a moment ago: exchange it."""
    END_FAMILY = "end-family"
    """It was exchanged long before: revoke the family."""
    REFUSE = "refuse"
    """Its family is over, or it was left unused too long."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a family lives at most, and how long its newest token may lie unused (None: as long as the
    family).
    """

    absolute: timedelta
    idle: timedelta | None

    def token_expiry(self, now: datetime, family_expires_at: datetime) -> datetime:
        """Until when a token issued now can be exchanged."""
        return family_expires_at if self.idle is None else min(now + self.idle, family_expires_at)


@dataclass(frozen=True, slots=True)
class Family:
    """All refresh tokens that descend from one log-in."""

    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One token of a family."""

    expires_at: datetime
    used_at: datetime | None = None


def judge(token: RefreshToken, family: Family, now: datetime, grace: timedelta) -> Verdict:
    """What to do with `token` of `family`, presented now; `grace`: how long after its exchange it is good."""
    if family.revoked_at is not None or family.expires_at <= now:
        return Verdict.REFUSE
    if token.used_at is not None and now - token.used_at >= grace:
        return Verdict.END_FAMILY
    return Verdict.ROTATE if now < token.expires_at else Verdict.REFUSE
