"""Commands run once for each idempotency key of their caller, each in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import grpc
from google.protobuf.message import Message
from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.database import Database
from services.chassis.idempotency import Idempotency, IdempotencyKeyReused
from services.chassis.rpc.context import caller_of, idempotency_key_of
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as pb
from services.vouchers.application.answer_plan import AnswerPlan
from services.vouchers.domain.plan import Plan

Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True, slots=True)
class Once:
    """Commands whose request and answer name persons by identifiers only: the answer is kept as it is."""

    database: Database
    idempotency: Idempotency

    def __call__(
        self,
        context: grpc.ServicerContext,
        request: Message,
        response: type[Response],
        effect: Callable[[Connection, Caller], Response],
    ) -> Response:
        """What `effect` answers, or answered when the request came first."""
        caller = caller_of(context)
        with self.database.transaction() as connection:
            answer = _run(
                self.idempotency,
                connection,
                context,
                request,
                lambda: effect(connection, caller).SerializeToString(),
            )
        return response.FromString(answer)


@dataclass(frozen=True, slots=True)
class OncePlan:
    """Commands whose answer is a plan. Of the answer only the plan's id is kept, since its goals are sealed
    in their column and nowhere in clear; a repetition is answered from the plan as it stands.
    """

    database: Database
    idempotency: Idempotency
    answer: AnswerPlan

    def __call__(
        self,
        context: grpc.ServicerContext,
        request: pb.WritePlanRequest | pb.SignPlanRequest,
        effect: Callable[[Connection, Caller], Plan],
        *,
        goals: str | None = None,
    ) -> Plan:
        """The plan that `effect` wrote or signed, now or when the request came first.

        `goals`: those of the request. They take no part in its digest, from which they could be guessed, but
        are compared with the plan's own. IdempotencyKeyReused if they are others.
        """
        caller = caller_of(context)
        with self.database.transaction() as connection:
            kept = _run(
                self.idempotency,
                connection,
                context,
                _without_goals(request),
                lambda: effect(connection, caller).id.bytes,
            )
            plan = self.answer(connection, caller, UUID(bytes=kept))
            if goals is not None and goals != plan.goals:
                raise IdempotencyKeyReused
            return plan


def _run(
    idempotency: Idempotency,
    connection: Connection,
    context: grpc.ServicerContext,
    request: Message,
    effect: Callable[[], bytes],
) -> bytes:
    """`effect` under the call's idempotency key; both `request`'s digest and the answer are kept."""
    return idempotency.run(
        connection,
        actor=caller_of(context).subject,
        key=idempotency_key_of(context),
        operation=request.DESCRIPTOR.full_name,
        request=request.SerializeToString(deterministic=True),
        effect=effect,
    )


def _without_goals(request: pb.WritePlanRequest | pb.SignPlanRequest) -> Message:
    if isinstance(request, pb.SignPlanRequest):
        return request
    digested = pb.WritePlanRequest()
    digested.CopyFrom(request)
    digested.ClearField("goals")
    return digested
