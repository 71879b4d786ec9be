"""The social worker writes a person's plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.clock import Clock
from services.chassis.ids import new_id
from services.chassis.refusal import InvalidField
from services.contracts import limits
from services.contracts.access import SOCIAL_WORKER
from services.contracts.forms import OptionalSlug, Slug
from services.vouchers.application import access
from services.vouchers.application.fields import Command, Day, Quantity, period
from services.vouchers.domain.measures import Measure
from services.vouchers.domain.plan import DRAFT, Plan, PlanLine
from services.vouchers.domain.refusals import PersonNotYetKnown, ServiceNotYetKnown
from services.vouchers.persistence import copies, funding
from services.vouchers.persistence.plans import Plans


class WantedLine(Command):
    """A line as asked for. An empty `section` means the service's own. `quantity` is in the measure's
    unit.
    """

    measure: Slug
    service: Slug
    section: OptionalSlug = ""
    quantity: Quantity


class WritePlanCommand(Command):
    """A plan as asked for."""

    person_id: UUID
    valid_from: Day
    valid_to: Day
    goals: Annotated[str, StringConstraints(strip_whitespace=True, max_length=limits.GOALS_CHARACTERS)] = ""
    lines: Annotated[tuple[WantedLine, ...], Field(min_length=1, max_length=limits.PLAN_LINES)]


@dataclass(frozen=True, slots=True)
class WritePlan:
    """Writes drafts."""

    plans: Plans
    clock: Clock

    def __call__(self, connection: Connection, caller: Caller, command: WritePlanCommand) -> Plan:
        """The new draft. Social worker of the comune in which the person lives.

        Refuses with Forbidden, PersonNotYetKnown, ServiceNotYetKnown, or InvalidField naming the line.
        """
        access.require_role(caller, SOCIAL_WORKER)
        validity = period(command.valid_from, command.valid_to)
        comune = copies.comune_of(connection, command.person_id)
        if comune is None:
            raise PersonNotYetKnown
        access.require_role(caller, SOCIAL_WORKER, comune)
        measures = funding.find_measures(connection, [line.measure for line in command.lines])
        plan = Plan(
            id=new_id(),
            person_id=command.person_id,
            comune=comune,
            state=DRAFT,
            validity=validity,
            goals=command.goals,
            lines=tuple(
                _line(connection, line, f"lines.{index}", measures)
                for index, line in enumerate(command.lines)
            ),
            written_by=caller.subject,
            signed_by=None,
            signed_with=None,
            signed_at=None,
            version=1,
        )
        self.plans.add(connection, plan, self.clock.now())
        return plan


def _line(connection: Connection, wanted: WantedLine, where: str, measures: dict[str, Measure]) -> PlanLine:
    measure = measures.get(wanted.measure)
    if measure is None:
        raise InvalidField(
            field=f"{where}.measure", it="La misura non esiste.", en="There is no such measure."
        )
    service = copies.find_service(connection, wanted.service)
    if service is None:
        raise ServiceNotYetKnown(field=f"{where}.service")
    if measure.slug not in service.measures:
        raise InvalidField(
            field=f"{where}.service",
            it="La misura non paga questo servizio.",
            en="The measure does not pay for this service.",
        )
    if wanted.section not in ("", service.section):
        raise InvalidField(
            field=f"{where}.section",
            it="Il servizio è di un'altra sezione.",
            en="The service belongs to another section.",
        )
    if service.section not in measure.sections:
        raise InvalidField(
            field=f"{where}.section",
            it="La misura non vale per la sezione «{section}».",
            en="The measure is not for the section “{section}”.",
            section=service.section,
        )
    return PlanLine(
        id=new_id(),
        measure=measure.slug,
        service=service.slug,
        section=service.section,
        unit=measure.unit,
        quantity=wanted.quantity,
    )
