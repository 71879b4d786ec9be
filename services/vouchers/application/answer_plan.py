"""The answer to who wrote or signed a plan, made from the plan each time it is given."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.contracts.access import SOCIAL_WORKER
from services.vouchers.application import access
from services.vouchers.domain.plan import Plan
from services.vouchers.persistence.plans import Plans


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """Finds what a command left behind, so that its answer need not be kept: the goals stay sealed."""

    plans: Plans

    def __call__(self, connection: Connection, caller: Caller, plan_id: UUID) -> Plan:
        """The plan as it stands, with its goals. Forbidden to who is no social worker of its comune any
        more.
        """
        plan = self.plans.find(connection, plan_id)
        assert plan is not None  # noqa: S101 - plans are never deleted
        access.require_role(caller, SOCIAL_WORKER, plan.comune)
        return self.plans.with_goals(connection, plan)
