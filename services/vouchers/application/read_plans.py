"""Reading plans: by the person's side and by the offices of her comune."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden, NotFound
from services.vouchers.application import access
from services.vouchers.application.fields import Command
from services.vouchers.application.file_reads import FileReads
from services.vouchers.domain.plan import Plan
from services.vouchers.persistence.plans import Plans


class GetPlanQuery(Command):
    """One plan."""

    plan_id: UUID


class ListPlansQuery(Command):
    """The plans of one person."""

    person_id: UUID


@dataclass(frozen=True, slots=True)
class ReadPlans:
    """Finds plans; each shows its goals only to who may read them. Reads by somebody else are told."""

    plans: Plans
    reads: FileReads

    def get(self, connection: Connection, caller: Caller, query: GetPlanQuery) -> Plan:
        """One plan. NotFound also if the caller may not know of it."""
        caller.require_known()
        plan = self.plans.find(connection, query.plan_id)
        if plan is None or not access.may_read_plan(caller, plan.person_id, plan.comune):
            raise NotFound(what="plan", field="plan_id")
        self.reads.tell(connection, caller, [plan], operation="GetPlan")
        return self._shown(connection, caller, plan)

    def of_person(self, connection: Connection, caller: Caller, query: ListPlansQuery) -> list[Plan]:
        """A person's plans, newest first; an office sees those of its comune. Forbidden to everybody else."""
        caller.require_known()
        if not access.offices(caller) and not access.may_read_plan(caller, query.person_id, comune=""):
            raise Forbidden
        found = [
            plan
            for plan in self.plans.of_person(connection, query.person_id)
            if access.may_read_plan(caller, plan.person_id, plan.comune)
        ]
        self.reads.tell(connection, caller, found, operation="ListPlans")
        return [self._shown(connection, caller, plan) for plan in found]

    def _shown(self, connection: Connection, caller: Caller, plan: Plan) -> Plan:
        if access.may_read_goals(caller, plan.person_id, plan.comune):
            return self.plans.with_goals(connection, plan)
        return plan
