"""From the domain's words to the contract's messages."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID

from services.chassis.rpc.timestamps import timestamp
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as pb
from services.vouchers.application.get_statement import Statement
from services.vouchers.application.verify_ledger import Verification
from services.vouchers.domain.assignments import Assignments
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.ledger import Balance, Entry
from services.vouchers.domain.plan import Plan
from services.vouchers.domain.voucher import Voucher
from services.vouchers.persistence.funding import Budget
from services.vouchers.persistence.ledger import Consumption

_UNITS: Final = {Unit.MINUTES: pb.UNIT_MINUTES, Unit.CENTS: pb.UNIT_CENTS}


def plan_message(plan: Plan) -> pb.Plan:
    """A plan; its goals are empty where the reader may not know them."""
    return pb.Plan(
        id=str(plan.id),
        person_id=str(plan.person_id),
        comune=plan.comune,
        state=plan.state,
        valid_from=plan.validity.first.isoformat(),
        valid_to=_day(plan.validity.last),
        goals=plan.goals or "",
        lines=[
            pb.PlanLine(
                id=str(line.id),
                measure=line.measure,
                service=line.service,
                section=line.section,
                quantity=line.quantity,
                unit=_UNITS[line.unit],
                issued=line.issued,
            )
            for line in plan.lines
        ],
        written_by=plan.written_by,
        signed_at=None if plan.signed_at is None else timestamp(plan.signed_at),
        version=plan.version,
    )


def voucher_message(voucher: Voucher) -> pb.Voucher:
    """A voucher with its balance and its assignments."""
    return pb.Voucher(
        id=str(voucher.id),
        person_id=str(voucher.person_id),
        comune=voucher.comune,
        plan_id=str(voucher.plan_id),
        plan_line_id=str(voucher.plan_line_id),
        measure=voucher.measure,
        fund=voucher.fund,
        service=voucher.service,
        section=voucher.section,
        unit=_UNITS[voucher.unit],
        state=voucher.state,
        valid_from=voucher.validity.first.isoformat(),
        valid_to=_day(voucher.validity.last),
        balance=_balance(voucher.balance),
        assignments=_assignments(voucher.assignments),
        issued_at=timestamp(voucher.issued_at),
        version=voucher.version,
    )


def entry_message(entry: Entry) -> pb.Entry:
    """One line of a voucher's ledger."""
    return pb.Entry(
        sequence=entry.sequence,
        kind=entry.kind,
        quantity=entry.quantity,
        booking_id=_id(entry.booking_id),
        provider=entry.provider or "",
        service_date=_day(entry.service_date),
        recorded_at=timestamp(entry.recorded_at),
        hash=entry.hash,
    )


def verification_message(verification: Verification) -> pb.VerifyLedgerResponse:
    """What was verified, and what is wrong."""
    return pb.VerifyLedgerResponse(
        vouchers=verification.vouchers,
        entries=verification.entries,
        faults=[
            pb.LedgerFault(voucher_id=str(fault.voucher_id), sequence=fault.sequence, reason=fault.reason)
            for fault in verification.faults
        ],
    )


def budget_message(budget: Budget) -> pb.Budget:
    """A budget."""
    return pb.Budget(
        comune=budget.comune,
        fund=budget.fund,
        year=budget.year,
        allocated_cents=budget.allocated_cents,
        committed_cents=budget.committed_cents,
        consumed_cents=budget.consumed_cents,
    )


def statement_message(statement: Statement) -> pb.GetStatementResponse:
    """A month's statement."""
    return pb.GetStatementResponse(
        provider=statement.provider,
        month=statement.month,
        lines=map(_line, statement.lines),
        total_minutes=statement.total_minutes,
        total_amount_cents=statement.total_amount_cents,
    )


def _line(line: Consumption) -> pb.StatementLine:
    return pb.StatementLine(
        booking_id=str(line.booking_id),
        voucher_id=str(line.voucher_id),
        comune=line.comune,
        measure=line.measure,
        service=line.service,
        service_date=line.service_date.isoformat(),
        quantity=line.quantity,
        unit=_UNITS[line.unit],
        amount_cents=line.amount_cents,
        entry_sequence=line.sequence,
    )


def _balance(balance: Balance) -> pb.Balance:
    return pb.Balance(
        issued=balance.issued,
        available=balance.available,
        reserved=balance.reserved,
        consumed=balance.consumed,
        returned=balance.returned,
        expired=balance.expired,
    )


def _assignments(assignments: Assignments) -> list[pb.Assignment]:
    ends = [following.first - timedelta(days=1) for _, following in pairwise(assignments.items)]
    return [
        pb.Assignment(provider=item.provider, valid_from=item.first.isoformat(), valid_to=_day(last))
        for item, last in zip(assignments.items, [*ends, None], strict=False)
    ]


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _id(value: UUID | None) -> str:
    return "" if value is None else str(value)
