"""The gRPC services: each method makes a request into a command, calls its use case, and makes the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import grpc

from services.chassis.clock import Clock, SystemClock
from services.chassis.database import Database
from services.chassis.idempotency import Idempotency
from services.chassis.rpc.context import caller_of, remaining_seconds
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as pb
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2_grpc as rpc
from services.vouchers import bootstrap
from services.vouchers.application.answer_plan import AnswerPlan
from services.vouchers.application.choose_provider import ChooseProvider, ChooseProviderCommand
from services.vouchers.application.file_reads import FileReads, reading
from services.vouchers.application.get_statement import GetStatementQuery, get_statement
from services.vouchers.application.hold_voucher import HoldCommand, HoldVoucher
from services.vouchers.application.issue_voucher import IssueVoucher, IssueVoucherCommand
from services.vouchers.application.list_budgets import ListBudgetsQuery, list_budgets
from services.vouchers.application.read_plans import GetPlanQuery, ListPlansQuery, ReadPlans
from services.vouchers.application.read_vouchers import ListVouchersQuery, ReadVouchers, VoucherQuery
from services.vouchers.application.sign_plan import SignPlan, SignPlanCommand
from services.vouchers.application.verify_ledger import VerifyLedgerQuery, verify_ledger
from services.vouchers.application.write_plan import WritePlan, WritePlanCommand
from services.vouchers.entrypoints.messages import (
    budget_message,
    entry_message,
    plan_message,
    statement_message,
    verification_message,
    voucher_message,
)
from services.vouchers.entrypoints.once import Once, OncePlan
from services.vouchers.persistence.tables import messaging
from services.vouchers.settings import VouchersSettings


def build(
    settings: VouchersSettings, database: Database, clock: Clock | None = None
) -> Sequence[tuple[Callable[[Any, grpc.Server], None], Any]]:
    """The servicers of the `grpc` process, each with the function that adds it to a server."""
    clock = clock or SystemClock()
    plans, outbox = bootstrap.plans(settings), bootstrap.outbox()
    idempotency = Idempotency(messaging.idempotency)
    once, once_plan = Once(database, idempotency), OncePlan(database, idempotency, AnswerPlan(plans))
    reads = FileReads(outbox, clock)
    return [
        (
            rpc.add_PlanServiceServicer_to_server,
            PlanServicer(
                once_plan, database, WritePlan(plans, clock), SignPlan(plans, clock), ReadPlans(plans, reads)
            ),
        ),
        (
            rpc.add_VoucherServiceServicer_to_server,
            VoucherServicer(
                once,
                database,
                IssueVoucher(plans, outbox, clock),
                ChooseProvider(outbox, clock),
                ReadVouchers(reads),
            ),
        ),
        (rpc.add_HoldServiceServicer_to_server, HoldServicer(HoldVoucher(database, clock))),
        (rpc.add_BudgetServiceServicer_to_server, BudgetServicer(database)),
        (rpc.add_StatementServiceServicer_to_server, StatementServicer(database)),
    ]


class PlanServicer(rpc.PlanServiceServicer):
    """Plans."""

    def __init__(
        self, once: OncePlan, database: Database, write: WritePlan, sign: SignPlan, read: ReadPlans
    ) -> None:
        self._once = once
        self._database = database
        self._write = write
        self._sign = sign
        self._read = read

    def WritePlan(self, request: pb.WritePlanRequest, context: grpc.ServicerContext) -> pb.WritePlanResponse:
        command = WritePlanCommand(
            person_id=request.person_id,
            valid_from=request.valid_from,
            valid_to=request.valid_to,
            goals=request.goals,
            lines=[
                {
                    "measure": line.measure,
                    "service": line.service,
                    "section": line.section,
                    "quantity": line.quantity,
                }
                for line in request.lines
            ],
        )
        plan = self._once(
            context,
            request,
            lambda connection, caller: self._write(connection, caller, command),
            goals=command.goals,
        )
        return pb.WritePlanResponse(plan=plan_message(plan))

    def SignPlan(self, request: pb.SignPlanRequest, context: grpc.ServicerContext) -> pb.SignPlanResponse:
        command = SignPlanCommand(plan_id=request.plan_id, signed_by=request.signed_by)
        plan = self._once(
            context, request, lambda connection, caller: self._sign(connection, caller, command)
        )
        return pb.SignPlanResponse(plan=plan_message(plan))

    def GetPlan(self, request: pb.GetPlanRequest, context: grpc.ServicerContext) -> pb.GetPlanResponse:
        query, caller = GetPlanQuery(plan_id=request.plan_id), caller_of(context)
        with reading(self._database, caller) as connection:
            plan = self._read.get(connection, caller, query)
        return pb.GetPlanResponse(plan=plan_message(plan))

    def ListPlans(self, request: pb.ListPlansRequest, context: grpc.ServicerContext) -> pb.ListPlansResponse:
        query, caller = ListPlansQuery(person_id=request.person_id), caller_of(context)
        with reading(self._database, caller) as connection:
            plans = self._read.of_person(connection, caller, query)
        return pb.ListPlansResponse(items=map(plan_message, plans))


class VoucherServicer(rpc.VoucherServiceServicer):
    """Vouchers and their ledger."""

    def __init__(
        self,
        once: Once,
        database: Database,
        issue: IssueVoucher,
        choose: ChooseProvider,
        read: ReadVouchers,
    ) -> None:
        self._once = once
        self._database = database
        self._issue = issue
        self._choose = choose
        self._read = read

    def IssueVoucher(
        self, request: pb.IssueVoucherRequest, context: grpc.ServicerContext
    ) -> pb.IssueVoucherResponse:
        command = IssueVoucherCommand(
            plan_line_id=request.plan_line_id,
            quantity=request.quantity,
            fund=request.fund,
            year=request.year,
            valid_from=request.valid_from,
            valid_to=request.valid_to,
        )
        return self._once(
            context,
            request,
            pb.IssueVoucherResponse,
            lambda connection, caller: pb.IssueVoucherResponse(
                voucher=voucher_message(self._issue(connection, caller, command))
            ),
        )

    def ChooseProvider(
        self, request: pb.ChooseProviderRequest, context: grpc.ServicerContext
    ) -> pb.ChooseProviderResponse:
        command = ChooseProviderCommand(
            voucher_id=request.voucher_id, provider=request.provider, valid_from=request.valid_from
        )
        return self._once(
            context,
            request,
            pb.ChooseProviderResponse,
            lambda connection, caller: pb.ChooseProviderResponse(
                voucher=voucher_message(self._choose(connection, caller, command))
            ),
        )

    def GetVoucher(
        self, request: pb.GetVoucherRequest, context: grpc.ServicerContext
    ) -> pb.GetVoucherResponse:
        query, caller = VoucherQuery(voucher_id=request.voucher_id), caller_of(context)
        with reading(self._database, caller) as connection:
            voucher = self._read.get(connection, caller, query)
        return pb.GetVoucherResponse(voucher=voucher_message(voucher))

    def ListVouchers(
        self, request: pb.ListVouchersRequest, context: grpc.ServicerContext
    ) -> pb.ListVouchersResponse:
        query = ListVouchersQuery(
            person_id=request.person_id, comune=request.comune, limit=request.limit, cursor=request.cursor
        )
        caller = caller_of(context)
        with reading(self._database, caller) as connection:
            items, cursor = self._read.page(connection, caller, query)
        return pb.ListVouchersResponse(
            items=map(voucher_message, items), next_cursor="" if cursor is None else str(cursor)
        )

    def ListEntries(
        self, request: pb.ListEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListEntriesResponse:
        query, caller = VoucherQuery(voucher_id=request.voucher_id), caller_of(context)
        with reading(self._database, caller) as connection:
            entries = self._read.entries(connection, caller, query)
        return pb.ListEntriesResponse(items=map(entry_message, entries))

    def VerifyLedger(
        self, request: pb.VerifyLedgerRequest, context: grpc.ServicerContext
    ) -> pb.VerifyLedgerResponse:
        query = VerifyLedgerQuery(voucher_id=request.voucher_id)
        with self._database.read() as connection:
            verification = verify_ledger(connection, caller_of(context), query, remaining_seconds)
        return verification_message(verification)


class HoldServicer(rpc.HoldServiceServicer):
    """Holds; the hot path."""

    def __init__(self, hold: HoldVoucher) -> None:
        self._hold = hold

    def Hold(self, request: pb.HoldRequest, context: grpc.ServicerContext) -> pb.HoldResponse:
        command = HoldCommand(
            booking_id=request.booking_id,
            voucher_id=request.voucher_id,
            person_id=request.person_id,
            provider=request.provider,
            service=request.service,
            service_date=request.service_date,
            minutes=request.minutes,
            cents=request.cents,
        )
        reservation = self._hold(caller_of(context), command)
        return pb.HoldResponse(quantity=reservation.quantity, available=reservation.available)


class BudgetServicer(rpc.BudgetServiceServicer):
    """Budgets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ListBudgets(
        self, request: pb.ListBudgetsRequest, context: grpc.ServicerContext
    ) -> pb.ListBudgetsResponse:
        query = ListBudgetsQuery(comune=request.comune, year=request.year)
        with self._database.read() as connection:
            budgets = list_budgets(connection, caller_of(context), query)
        return pb.ListBudgetsResponse(items=map(budget_message, budgets))


class StatementServicer(rpc.StatementServiceServicer):
    """Statements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def GetStatement(
        self, request: pb.GetStatementRequest, context: grpc.ServicerContext
    ) -> pb.GetStatementResponse:
        query = GetStatementQuery(provider=request.provider, month=request.month)
        with self._database.read() as connection:
            return statement_message(get_statement(connection, caller_of(context), query))
