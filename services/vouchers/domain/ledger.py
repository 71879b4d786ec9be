"""The ledger of a voucher: kinds of entries, what each moves, and the chain that makes tampering visible.

An entry's hash is SHA-256 over the previous entry's hash and the entry's own canonical text, so that a
changed, removed or inserted entry breaks every hash after it; the voucher's row carries the count and the
last hash, so that entries cut off at the end are missed too. The first entry's text also holds the voucher's
terms, so that a voucher that becomes somebody else's no longer fits its own first hash. PostgreSQL computes
the hash in the statement that moves the balance (persistence.chain); this module computes it again,
independently, to verify.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.period import Period

CANONICAL_VERSION: Final = "1"
"""First word of every canonical text; another form of the text would begin with another word."""


class Kind(StrEnum):
    """What an entry records. Quantities are positive; the kind says from where to where they move."""

    ISSUE = "issue"
    RESERVE = "reserve"
    RELEASE = "release"
    CONSUME = "consume"
    RETURN = "return"
    EXPIRE = "expire"
    ADJUST = "adjust"
    """A consumption that should not have been recorded goes back to what is available."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The parts of a voucher, in its unit. `issued` is always the sum of the others, and none is negative."""

    issued: int = 0
    available: int = 0
    reserved: int = 0
    consumed: int = 0
    returned: int = 0
    expired: int = 0

    @property
    def is_conserved(self) -> bool:
        """Whether the invariant holds."""
        parts = (self.available, self.reserved, self.consumed, self.returned, self.expired)
        return min(parts) >= 0 and self.issued == sum(parts)

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing can be used any more, now or by a hold that ends."""
        return self.available == 0 and self.reserved == 0

    def moved(self, kind: Kind, quantity: int) -> Balance:
        """The balance after an entry."""
        changes = {part: getattr(self, part) + sign * quantity for part, sign in MOVEMENTS[kind].items()}
        return replace(self, **changes)


MOVEMENTS: Final[Mapping[Kind, Mapping[str, int]]] = {
    Kind.ISSUE: {"issued": +1, "available": +1},
    Kind.RESERVE: {"available": -1, "reserved": +1},
    Kind.RELEASE: {"reserved": -1, "available": +1},
    Kind.CONSUME: {"reserved": -1, "consumed": +1},
    Kind.RETURN: {"available": -1, "returned": +1},
    Kind.EXPIRE: {"available": -1, "expired": +1},
    Kind.ADJUST: {"consumed": -1, "available": +1},
}
"""Kind → the parts of the balance it changes, and with which sign. Every kind keeps the balance conserved."""
_KINDS: Final = frozenset(map(str, Kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a voucher is issued for, which never changes: whose it is, out of what, for what, and when."""

    person_id: UUID
    comune: str
    plan_id: UUID
    plan_line_id: UUID
    measure: str
    fund: str
    budget_year: int
    service: str
    section: str
    unit: Unit
    validity: Period
    issued_by: str

    def canonical(self) -> str:
        """The terms as the text that is hashed. Only the last field could hold the separator."""
        parts = (
            self.person_id,
            self.comune,
            self.plan_id,
            self.plan_line_id,
            self.measure,
            self.fund,
            self.budget_year,
            self.service,
            self.section,
            self.unit,
            self.validity.first,
            self.validity.last,
            self.issued_by,
        )
        return "|".join(map(str, parts))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a ledger.

    `amount_cents` is the money that goes with the quantity: of a booking its price, of an issue what the
    budget commits, of an expiry what the budget regains. `available` is what is available after the entry.
    """

    voucher_id: UUID
    sequence: int
    kind: str
    quantity: int
    amount_cents: int
    available: int
    booking_id: UUID | None
    provider: str | None
    service_date: date | None
    recorded_at: datetime
    hash: str

    def canonical(self, terms: Terms) -> str:
        """The entry as the text that is hashed; no field can hold the separator. An issue's ends with the
        voucher's terms.
        """
        instant = self.recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        parts = (
            CANONICAL_VERSION,
            self.voucher_id,
            self.sequence,
            self.kind,
            self.quantity,
            self.amount_cents,
            self.available,
            self.booking_id or "",
            self.provider or "",
            self.service_date or "",
            instant,
        )
        text = "|".join(map(str, parts))
        return f"{text}|{terms.canonical()}" if self.kind == Kind.ISSUE else text


def chained_hash(previous: str, canonical: str) -> str:
    """The hash of an entry, 64 hexadecimal digits; `previous` is "" for a voucher's first one."""
    return sha256((previous + canonical).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """What a voucher's row says of its ledger: the terms, the balance, how many entries there are, the last
    one's hash.
    """

    voucher_id: UUID
    terms: Terms
    balance: Balance
    entries: int
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a ledger that cannot be true. `sequence` is the entry where it shows, 0 for the voucher's
    row.
    """

    voucher_id: UUID
    sequence: int
    reason: str


def verify(head: Head, entries: Iterable[Entry]) -> list[Fault]:
    """Recompute one voucher's ledger, entries in order of sequence; an empty list means it is whole.

    The first thing that is wrong with the chain ends the walk, since nothing after it can be trusted; a row
    whose balance does not follow from its entries is reported on its own.
    """
    balance, previous, count = Balance(), "", 0
    for entry in entries:
        count += 1
        reason = _wrong(entry, count, previous, balance, head.terms)
        if reason is not None:
            return [Fault(head.voucher_id, entry.sequence, reason)]
        balance, previous = balance.moved(Kind(entry.kind), entry.quantity), entry.hash
    faults = []
    if (count, previous) != (head.entries, head.hash):
        faults.append(f"the voucher counts {head.entries} entries, the ledger ends after {count}")
    if balance != head.balance:
        faults.append(f"the voucher says {head.balance}, its entries amount to {balance}")
    return [Fault(head.voucher_id, 0, reason) for reason in faults]


def _wrong(entry: Entry, expected: int, previous: str, before: Balance, terms: Terms) -> str | None:
    if entry.sequence != expected:
        return f"entry {expected} is missing"
    if entry.hash != chained_hash(previous, entry.canonical(terms)):
        others = "the voucher's terms" if entry.kind == Kind.ISSUE else "the one before it"
        return f"the hash does not follow from the entry and {others}"
    if entry.kind not in _KINDS or entry.quantity <= 0:
        return f"no entry is a {entry.kind} of {entry.quantity}"
    if (entry.kind == Kind.ISSUE) != (expected == 1):
        return "a ledger begins with its issue and has no other"
    after = before.moved(Kind(entry.kind), entry.quantity)
    if not after.is_conserved:
        return f"the balance would become {after}"
    if after.available != entry.available:
        return f"the entry says {entry.available} available, the ones up to it amount to {after.available}"
    return None
