"""Claiming an account: the person takes over, with a code on paper, what an operator made for her.

A code is 80 random-looking bits in 16 characters of Crockford's base 32: no I, L, O or U, so that it survives
handwriting; what is often confused is read as what was meant.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.chassis.refusal import Kind, Refusal

CODE_BYTES: Final = 10
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT = str.maketrans("OIL", "011")


class ClaimRefused(Refusal):
    """No such person, wrong code, no code open, or too many attempts: which of them is not said."""

    kind = Kind.UNAUTHENTICATED
    type = "claim-refused"
    it = "Il codice non è valido per questa persona. Un Social Point può emetterne uno nuovo."
    en = "The code is not valid for this person. A Social Point can issue a new one."


class ClaimExpired(Refusal):
    """The right code, too late. Only said to somebody who has the code."""

    kind = Kind.CONFLICT
    type = "claim-code-expired"
    it = "Il codice è scaduto. Un Social Point può emetterne uno nuovo."
    en = "The code has expired. A Social Point can issue a new one."


class ClaimUsed(Refusal):
    """The right code, which has done its work. Only said to somebody who has the code."""

    kind = Kind.CONFLICT
    type = "claim-code-used"
    it = "Il codice è già stato usato: l'account è attivo."
    en = "The code was used already: the account is active."


class Outcome(StrEnum):
    """What presenting a code leads to."""

    ACCEPTED = "accepted"
    WRONG = "wrong"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Claim:
    """The open or closed claim of one person's account."""

    expires_at: datetime
    attempts_left: int
    used_at: datetime | None = None

    def present(self, right: bool, now: datetime) -> Outcome:
        """What presenting a code, `right` or not, leads to.

        With no attempts left even the right code is wrong: whoever guesses must not learn that he hit.
        """
        if self.attempts_left <= 0 or not right:
            return Outcome.WRONG
        if self.used_at is not None:
            return Outcome.USED
        return Outcome.ACCEPTED if now < self.expires_at else Outcome.EXPIRED


def code_from(digest: bytes) -> str:
    """The code that the first 80 bits of `digest` stand for, in groups of four: `7K3M-9QXT-…`."""
    number = int.from_bytes(digest[:CODE_BYTES])
    letters = "".join(_ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))
    return "-".join(letters[i : i + 4] for i in range(0, 16, 4))


def same_code(typed: str, code: str) -> bool:
    """Whether somebody typed `code`, give or take case, spaces, hyphens and letters that look alike.

    Takes the same time wherever they differ.
    """
    plain = "".join(c for c in typed.upper() if c.isascii() and c.isalnum()).translate(_MEANT)
    return hmac.compare_digest(plain, code.replace("-", ""))
