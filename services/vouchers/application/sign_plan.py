"""A plan is signed, and does not change any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.refusal import NotFound
from services.contracts.access import SOCIAL_WORKER
from services.vouchers.application import access
from services.vouchers.application.fields import Command
from services.vouchers.domain.plan import Plan
from services.vouchers.domain.refusals import PlanAlreadySigned
from services.vouchers.persistence.plans import Plans


class SignPlanCommand(Command):
    """Who signed on the person's side, in the presence of the social worker who calls."""

    plan_id: UUID
    signed_by: Literal["beneficiary", "delegate", "support_administrator"]


@dataclass(frozen=True, slots=True)
class SignPlan:
    """Signs drafts."""

    plans: Plans
    clock: Clock

    def __call__(self, connection: Connection, caller: Caller, command: SignPlanCommand) -> Plan:
        """The plan, signed. Social worker of the plan's comune. Refuses with NotFound, Forbidden,
        PlanAlreadySigned.
        """
        access.require_role(caller, SOCIAL_WORKER)
        plan = self.plans.find(connection, command.plan_id)
        if plan is None:
            raise NotFound(what="plan", field="plan_id")
        access.require_role(caller, SOCIAL_WORKER, plan.comune)
        signed = self.plans.sign(
            connection,
            plan.id,
            signed_by=command.signed_by,
            signed_with=caller.subject,
            signed_at=self.clock.now(),
        )
        if not signed:
            raise PlanAlreadySigned
        after = self.plans.find(connection, plan.id)
        assert after is not None  # noqa: S101 - plans are never deleted
        return self.plans.with_goals(connection, after)
