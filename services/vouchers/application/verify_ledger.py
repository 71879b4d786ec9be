"""The ledger is computed again and compared with what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from pydantic import BeforeValidator
from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.vouchers.application import access
from services.vouchers.application.fields import Command
from services.vouchers.application.read_vouchers import VoucherQuery, readable_voucher
from services.vouchers.domain.ledger import Entry, Fault, Head, verify
from services.vouchers.domain.refusals import LedgerTooLong
from services.vouchers.persistence import ledger

MAXIMUM_FAULTS: Final = 100
MARGIN_SECONDS: Final = 0.5
"""What must be left of the caller's time for the answer to reach it."""

RemainingSeconds = Callable[[], float | None]
"""How long the caller still waits; None: without end."""


class VerifyLedgerQuery(Command):
    """One voucher, or everything that the caller oversees."""

    voucher_id: Annotated[UUID | None, BeforeValidator(lambda value: None if value == "" else value)] = None


@dataclass(frozen=True, slots=True)
class Verification:
    """How much was verified, and what is wrong with it: at most MAXIMUM_FAULTS; none: the ledger is whole."""

    vouchers: int
    entries: int
    faults: tuple[Fault, ...]


def verify_ledger(
    connection: Connection, caller: Caller, query: VerifyLedgerQuery, remaining_seconds: RemainingSeconds
) -> Verification:
    """Verify one voucher, for whom may read it, or all of the comune's officer's comune or of the plan
    office's ambito. LedgerTooLong if that takes longer than the caller waits.
    """
    if query.voucher_id is not None:
        readable_voucher(connection, caller, VoucherQuery(voucher_id=query.voucher_id))
        return _verified(ledger.ledgers(connection, voucher_id=query.voucher_id), remaining_seconds)
    comuni = access.administered(connection, caller)
    return _verified(ledger.ledgers(connection, comuni=comuni), remaining_seconds)


def verify_everything(connection: Connection) -> Verification:
    """Verify all vouchers, however long it takes, for the operations team."""
    return _verified(ledger.ledgers(connection), lambda: None)


def verify_next(connection: Connection, after: UUID | None) -> tuple[Verification, UUID | None]:
    """Verify a batch of vouchers: those after the voucher `after` by id (None: the first). Where the next one
    begins; None: there are no more.
    """
    last: UUID | None = None

    def noted() -> Iterator[tuple[Head, Iterator[Entry]]]:
        nonlocal last
        for head, entries in ledger.batch(connection, after):
            last = head.voucher_id
            yield head, entries

    verification = _verified(noted(), lambda: None)
    return verification, last if verification.vouchers == ledger.BATCH else None


def _verified(
    ledgers: Iterable[tuple[Head, Iterator[Entry]]], remaining_seconds: RemainingSeconds
) -> Verification:
    vouchers = entries = 0
    faults: list[Fault] = []
    for head, its_entries in ledgers:
        found = []
        for entry in its_entries:
            remaining = remaining_seconds()
            if remaining is not None and remaining < MARGIN_SECONDS:
                raise LedgerTooLong(field="voucher_id", vouchers=vouchers, faults=len(faults))
            found.append(entry)
        vouchers += 1
        entries += len(found)
        faults += verify(head, found)[: MAXIMUM_FAULTS - len(faults)]
    return Verification(vouchers, entries, tuple(faults))
