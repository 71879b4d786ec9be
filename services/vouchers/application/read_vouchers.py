"""Reading vouchers and their ledgers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field
from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden, InvalidField
from services.contracts.access import READ
from services.contracts.forms import OptionalBelfiore
from services.vouchers.application import access
from services.vouchers.application.fields import Command
from services.vouchers.application.file_reads import FileReads
from services.vouchers.domain.ledger import Entry
from services.vouchers.domain.refusals import VoucherNotFound
from services.vouchers.domain.voucher import Voucher
from services.vouchers.persistence import ledger, vouchers

_OptionalId = Annotated[UUID | None, BeforeValidator(lambda value: None if value == "" else value)]


class VoucherQuery(Command):
    """One voucher."""

    voucher_id: UUID


class ListVouchersQuery(Command):
    """The vouchers of a person or of a comune, `limit` at a time (0: 20), from the `cursor` of the page
    before on.
    """

    person_id: _OptionalId = None
    comune: OptionalBelfiore = ""
    limit: Annotated[int, Field(ge=0, le=100)] = 0
    cursor: _OptionalId = None


@dataclass(frozen=True, slots=True)
class ReadVouchers:
    """Finds vouchers and their entries. Reads by somebody else are told."""

    reads: FileReads

    def get(self, connection: Connection, caller: Caller, query: VoucherQuery) -> Voucher:
        """One voucher. VoucherNotFound also if the caller may not know of it."""
        voucher = readable_voucher(connection, caller, query)
        self.reads.tell(connection, caller, [voucher], operation="GetVoucher")
        return voucher

    def entries(self, connection: Connection, caller: Caller, query: VoucherQuery) -> list[Entry]:
        """A voucher's ledger, oldest entry first; for whom the voucher is."""
        voucher = readable_voucher(connection, caller, query)
        self.reads.tell(connection, caller, [voucher], operation="ListEntries")
        return ledger.entries_of(connection, voucher.id)

    def page(
        self, connection: Connection, caller: Caller, query: ListVouchersQuery
    ) -> tuple[list[Voucher], UUID | None]:
        """A page of vouchers, newest first, and the cursor of the next one (None: the last page).

        Of a person: all of them for the person's side and the plan office, those of its comune for an office.
        Of a comune: for its offices and the plan office. Forbidden to everybody else.
        """
        caller.require_known()
        limit = query.limit or 20
        found = _found(connection, caller, query, limit + 1)
        page = found[:limit]
        self.reads.tell(connection, caller, page, operation="ListVouchers")
        return page, page[-1].id if len(found) > limit else None


def readable_voucher(connection: Connection, caller: Caller, query: VoucherQuery) -> Voucher:
    """The voucher, if the caller may read it; VoucherNotFound otherwise. Tells nobody."""
    caller.require_known()
    voucher = vouchers.find(connection, query.voucher_id)
    if voucher is None or not access.may_read_vouchers(connection, caller, voucher.person_id, voucher.comune):
        raise VoucherNotFound
    return voucher


def _found(connection: Connection, caller: Caller, query: ListVouchersQuery, limit: int) -> list[Voucher]:
    if query.person_id is not None and query.comune == "":
        comuni = _comuni_shown(connection, caller, query.person_id)
        return vouchers.of_person(
            connection, query.person_id, comuni=comuni, limit=limit, before=query.cursor
        )
    if query.person_id is None and query.comune:
        if query.comune not in access.offices(caller) and not access.is_plan_office(connection, caller):
            raise Forbidden
        return vouchers.of_comune(connection, query.comune, limit=limit, before=query.cursor)
    raise InvalidField(
        field="person_id",
        it="Indicare la persona o il comune, uno dei due.",
        en="Give the person or the comune, one of both.",
    )


def _comuni_shown(connection: Connection, caller: Caller, person: UUID) -> frozenset[str] | None:
    if access.acts_for(caller, person, READ) or access.is_plan_office(connection, caller):
        return None
    comuni = access.offices(caller)
    if not comuni:
        raise Forbidden
    return comuni
