"""The gRPC services: each method makes a request into a command, calls its use case, and makes the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.clock import Clock, SystemClock
from services.chassis.database import Database
from services.chassis.idempotency import Idempotency
from services.chassis.rpc.context import caller_of, idempotency_key_of
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as pb
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2_grpc as rpc
from services.vouchers import bootstrap
from services.vouchers.application.choose_provider import ChooseProvider, ChooseProviderCommand
from services.vouchers.application.get_statement import GetStatementQuery, get_statement
from services.vouchers.application.hold_voucher import HoldCommand, HoldVoucher
from services.vouchers.application.issue_voucher import IssueVoucher, IssueVoucherCommand
from services.vouchers.application.list_budgets import ListBudgetsQuery, list_budgets
from services.vouchers.application.read_plans import GetPlanQuery, ListPlansQuery, ReadPlans
from services.vouchers.application.read_vouchers import (
    ListVouchersQuery,
    VoucherQuery,
    get_voucher,
    list_entries,
    list_vouchers,
)
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
from services.vouchers.persistence.tables import messaging
from services.vouchers.settings import VouchersSettings

Response = TypeVar("Response", bound=Message)


def build(
    settings: VouchersSettings, database: Database, clock: Clock | None = None
) -> Sequence[tuple[Callable[[Any, grpc.Server], None], Any]]:
    """The servicers of the `grpc` process, each with the function that adds it to a server."""
    clock = clock or SystemClock()
    plans, outbox = bootstrap.plans(settings), bootstrap.outbox()
    once = _Once(database, Idempotency(messaging.idempotency))
    return [
        (
            rpc.add_PlanServiceServicer_to_server,
            PlanServicer(once, database, WritePlan(plans, clock), SignPlan(plans, clock), ReadPlans(plans)),
        ),
        (
            rpc.add_VoucherServiceServicer_to_server,
            VoucherServicer(
                once, database, IssueVoucher(plans, outbox, clock), ChooseProvider(outbox, clock)
            ),
        ),
        (rpc.add_HoldServiceServicer_to_server, HoldServicer(HoldVoucher(database, clock))),
        (rpc.add_BudgetServiceServicer_to_server, BudgetServicer(database)),
        (rpc.add_StatementServiceServicer_to_server, StatementServicer(database)),
    ]


class _Once:
    """Runs a command in one transaction, once for each idempotency key of its caller."""

    def __init__(self, database: Database, idempotency: Idempotency) -> None:
        self._database = database
        self._idempotency = idempotency

    def __call__(
        self,
        context: grpc.ServicerContext,
        request: Message,
        response: type[Response],
        effect: Callable[[Connection, Caller], Response],
    ) -> Response:
        caller = caller_of(context)
        with self._database.transaction() as connection:
            answer = self._idempotency.run(
                connection,
                actor=caller.subject,
                key=idempotency_key_of(context),
                operation=request.DESCRIPTOR.full_name,
                request=request.SerializeToString(deterministic=True),
                effect=lambda: effect(connection, caller).SerializeToString(),
            )
        return response.FromString(answer)


class PlanServicer(rpc.PlanServiceServicer):
    """Plans."""

    def __init__(
        self, once: _Once, database: Database, write: WritePlan, sign: SignPlan, read: ReadPlans
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
        return self._once(
            context,
            request,
            pb.WritePlanResponse,
            lambda connection, caller: pb.WritePlanResponse(
                plan=plan_message(self._write(connection, caller, command))
            ),
        )

    def SignPlan(self, request: pb.SignPlanRequest, context: grpc.ServicerContext) -> pb.SignPlanResponse:
        command = SignPlanCommand(plan_id=request.plan_id, signed_by=request.signed_by)
        return self._once(
            context,
            request,
            pb.SignPlanResponse,
            lambda connection, caller: pb.SignPlanResponse(
                plan=plan_message(self._sign(connection, caller, command))
            ),
        )

    def GetPlan(self, request: pb.GetPlanRequest, context: grpc.ServicerContext) -> pb.GetPlanResponse:
        query = GetPlanQuery(plan_id=request.plan_id)
        with self._database.read() as connection:
            plan = self._read.get(connection, caller_of(context), query)
        return pb.GetPlanResponse(plan=plan_message(plan))

    def ListPlans(self, request: pb.ListPlansRequest, context: grpc.ServicerContext) -> pb.ListPlansResponse:
        query = ListPlansQuery(person_id=request.person_id)
        with self._database.read() as connection:
            plans = self._read.of_person(connection, caller_of(context), query)
        return pb.ListPlansResponse(items=map(plan_message, plans))


class VoucherServicer(rpc.VoucherServiceServicer):
    """Vouchers and their ledger."""

    def __init__(self, once: _Once, database: Database, issue: IssueVoucher, choose: ChooseProvider) -> None:
        self._once = once
        self._database = database
        self._issue = issue
        self._choose = choose

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
        query = VoucherQuery(voucher_id=request.voucher_id)
        with self._database.read() as connection:
            voucher = get_voucher(connection, caller_of(context), query)
        return pb.GetVoucherResponse(voucher=voucher_message(voucher))

    def ListVouchers(
        self, request: pb.ListVouchersRequest, context: grpc.ServicerContext
    ) -> pb.ListVouchersResponse:
        query = ListVouchersQuery(
            person_id=request.person_id, comune=request.comune, limit=request.limit, cursor=request.cursor
        )
        with self._database.read() as connection:
            items, cursor = list_vouchers(connection, caller_of(context), query)
        return pb.ListVouchersResponse(
            items=map(voucher_message, items), next_cursor="" if cursor is None else str(cursor)
        )

    def ListEntries(
        self, request: pb.ListEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListEntriesResponse:
        query = VoucherQuery(voucher_id=request.voucher_id)
        with self._database.read() as connection:
            entries = list_entries(connection, caller_of(context), query)
        return pb.ListEntriesResponse(items=map(entry_message, entries))

    def VerifyLedger(
        self, request: pb.VerifyLedgerRequest, context: grpc.ServicerContext
    ) -> pb.VerifyLedgerResponse:
        query = VerifyLedgerQuery(voucher_id=request.voucher_id)
        with self._database.read() as connection:
            return verification_message(verify_ledger(connection, caller_of(context), query))


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
