"""The ledger is computed again and compared with what is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator
from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.vouchers.application import access
from services.vouchers.application.fields import Command
from services.vouchers.application.read_vouchers import VoucherQuery, readable_voucher
from services.vouchers.domain.ledger import Entry, Fault, Head, verify
from services.vouchers.persistence import ledger

MAXIMUM_FAULTS = 100


class VerifyLedgerQuery(Command):
    """One voucher, or everything that the caller oversees."""

    voucher_id: Annotated[UUID | None, BeforeValidator(lambda value: None if value == "" else value)] = None


@dataclass(frozen=True, slots=True)
class Verification:
    """How much was verified, and what is wrong with it: at most MAXIMUM_FAULTS; none: the ledger is whole."""

    vouchers: int
    entries: int
    faults: tuple[Fault, ...]


def verify_ledger(connection: Connection, caller: Caller, query: VerifyLedgerQuery) -> Verification:
    """Verify one voucher, for whom may read it, or all of the comune's officer's comune or of the plan
    office's ambito.
    """
    if query.voucher_id is not None:
        readable_voucher(connection, caller, VoucherQuery(voucher_id=query.voucher_id))
        return _verified(ledger.ledgers(connection, voucher_id=query.voucher_id))
    return _verified(ledger.ledgers(connection, comuni=access.administered(connection, caller)))


def verify_everything(connection: Connection) -> Verification:
    """Verify all vouchers, for the operations team."""
    return _verified(ledger.ledgers(connection))


def _verified(ledgers: Iterable[tuple[Head, Iterator[Entry]]]) -> Verification:
    vouchers = entries = 0
    faults: list[Fault] = []
    for head, its_entries in ledgers:
        vouchers += 1
        found = list(its_entries)
        entries += len(found)
        faults += verify(head, found)[: MAXIMUM_FAULTS - len(faults)]
    return Verification(vouchers, entries, tuple(faults))
