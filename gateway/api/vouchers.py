"""Vouchers, their ledger, budgets and the month's statement."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BeforeValidator, Field

from gateway.api.plans import Unit
from gateway.api.representations import (
    Answer,
    Body,
    Cents,
    Cursor,
    Instant,
    Items,
    Limit,
    Optional,
    OptionalDate,
    OptionalId,
    Page,
    iso,
    text,
)
from gateway.auth import SignedIn
from gateway.backends import IdempotencyKey, Services
from services.contracts.forms import Belfiore, Slug
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as pb

router = APIRouter(tags=["vouchers"])


class VoucherRequest(Body):
    """A voucher is to be issued from a line of a signed plan."""

    plan_line_id: UUID
    quantity: int = Field(gt=0, le=10_000_000, description="In the line's unit: minutes or cents")
    fund: str = Field(min_length=1, max_length=80)
    year: int = Field(ge=2000, le=2100)
    valid_from: date
    valid_to: date = Field(description="Last day, inclusive")


class ProviderChoice(Body):
    """The cooperative that the person chooses."""

    provider: Slug
    valid_from: date | None = Field(None, description="From which day on; today if absent")


class VerificationRequest(Body):
    """What to verify."""

    voucher_id: UUID | None = Field(None, description="One voucher; all that you may see if absent")


class Balance(Answer):
    """issued = available + reserved + consumed + returned + expired, in the voucher's unit."""

    issued: int
    available: int
    reserved: int
    consumed: int
    returned: int
    expired: int


class Assignment(Answer):
    """The cooperative assigned in a period."""

    provider: str
    valid_from: date
    valid_to: OptionalDate


class Voucher(Answer):
    """A voucher."""

    id: UUID
    person_id: UUID
    comune: str
    plan_id: UUID
    plan_line_id: UUID
    measure: str
    fund: str
    service: str
    section: str
    unit: Unit
    state: str = Field(description="issued (no cooperative chosen yet), active or expired")
    valid_from: date
    valid_to: date
    balance: Balance
    assignments: Annotated[list[Assignment], BeforeValidator(list)]
    issued_at: Instant
    version: int


class Entry(Answer):
    """An entry of the ledger."""

    sequence: int
    kind: str = Field(description="issue, reserve, release, consume, return, expire or adjust")
    quantity: int
    booking_id: OptionalId
    provider: Optional
    service_date: OptionalDate
    recorded_at: Instant
    hash: str = Field(description="Hex SHA-256 over the previous entry's hash and this entry")


class LedgerFault(Answer):
    """Where the ledger is not whole."""

    voucher_id: UUID
    sequence: int
    reason: str


class Verification(Answer):
    """What was verified."""

    vouchers: int
    entries: int
    faults: Annotated[list[LedgerFault], BeforeValidator(list)] = Field(
        description="Empty: the ledger is whole"
    )


class Budget(Answer):
    """A budget of a comune."""

    comune: str
    fund: str
    year: int
    allocated: Cents = Field(validation_alias="allocated_cents")
    committed: Cents = Field(validation_alias="committed_cents")
    consumed: Cents = Field(validation_alias="consumed_cents")


class StatementLine(Answer):
    """One visit."""

    booking_id: UUID
    voucher_id: UUID
    comune: str
    measure: str
    service: str
    service_date: date
    quantity: int
    unit: Unit
    amount: Cents = Field(validation_alias="amount_cents", description="At the tariff of the service date")
    entry_sequence: int


class Statement(Answer):
    """The month's statement of a cooperative."""

    provider: str
    month: str
    lines: Annotated[list[StatementLine], BeforeValidator(list)]
    total_minutes: int
    total_amount: Cents = Field(validation_alias="total_amount_cents")


@router.post("/vouchers", status_code=201)
async def issue(body: VoucherRequest, key: IdempotencyKey, caller: SignedIn, services: Services) -> Voucher:
    """Issues a voucher against a budget. For officers of the comune."""
    request = pb.IssueVoucherRequest(
        plan_line_id=str(body.plan_line_id),
        quantity=body.quantity,
        fund=body.fund,
        year=body.year,
        valid_from=iso(body.valid_from),
        valid_to=iso(body.valid_to),
    )
    answer = await services.command(services.vouchers.IssueVoucher, request, caller, idempotency_key=key)
    return Voucher.of(answer.voucher)


@router.get("/vouchers")
async def list_vouchers(
    caller: SignedIn,
    services: Services,
    person_id: UUID | None = None,
    comune: Belfiore | None = None,
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Page[Voucher]:
    """A person's vouchers (yours if nobody is named), or a comune's."""
    person = caller.person if person_id is None and comune is None else person_id
    request = pb.ListVouchersRequest(person_id=text(person), comune=text(comune), limit=limit, cursor=cursor)
    return Page[Voucher].of(await services.read(services.vouchers.ListVouchers, request, caller))


@router.get("/vouchers/{voucher_id}")
async def read(voucher_id: UUID, caller: SignedIn, services: Services) -> Voucher:
    """One voucher with its balance."""
    request = pb.GetVoucherRequest(voucher_id=str(voucher_id))
    return Voucher.of((await services.read(services.vouchers.GetVoucher, request, caller)).voucher)


@router.post("/vouchers/{voucher_id}/provider")
async def choose_provider(
    voucher_id: UUID, body: ProviderChoice, caller: SignedIn, services: Services
) -> Voucher:
    """Chooses, or changes, the accredited cooperative."""
    request = pb.ChooseProviderRequest(
        voucher_id=str(voucher_id), provider=body.provider, valid_from=iso(body.valid_from)
    )
    return Voucher.of((await services.command(services.vouchers.ChooseProvider, request, caller)).voucher)


@router.get("/vouchers/{voucher_id}/entries")
async def list_entries(voucher_id: UUID, caller: SignedIn, services: Services) -> Items[Entry]:
    """The voucher's ledger, oldest entry first."""
    request = pb.ListEntriesRequest(voucher_id=str(voucher_id))
    return Items[Entry].of(await services.read(services.vouchers.ListEntries, request, caller))


@router.post("/ledger-verifications")
async def verify(body: VerificationRequest, caller: SignedIn, services: Services) -> Verification:
    """Recomputes hash chains and balances, and says where they do not agree."""
    request = pb.VerifyLedgerRequest(voucher_id=text(body.voucher_id))
    return Verification.of(await services.command(services.vouchers.VerifyLedger, request, caller))


@router.get("/budgets")
async def list_budgets(
    caller: SignedIn,
    services: Services,
    year: Annotated[int, Query(ge=2000, le=2100)],
    comune: Belfiore | None = None,
) -> Items[Budget]:
    """Budgets per comune and fund, for the offices."""
    request = pb.ListBudgetsRequest(comune=text(comune), year=year)
    return Items[Budget].of(await services.read(services.budgets.ListBudgets, request, caller))


@router.get("/providers/{slug}/statements/{month}")
async def read_statement(
    slug: Slug, month: Annotated[str, Path(pattern=r"^\d{4}-\d{2}$")], caller: SignedIn, services: Services
) -> Statement:
    """Every visit that vouchers paid in the month, by service date; the totals are the ledger's."""
    request = pb.GetStatementRequest(provider=slug, month=month)
    return Statement.of(await services.read(services.statements.GetStatement, request, caller))
