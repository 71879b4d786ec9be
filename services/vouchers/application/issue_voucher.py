"""The comune issues a voucher from a line of a signed plan."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.civil_time import local_day
from services.chassis.clock import Clock
from services.chassis.ids import new_id
from services.chassis.messaging.event import Event
from services.chassis.messaging.outbox import Outbox
from services.chassis.refusal import InvalidField, NotFound
from services.contracts.access import COMUNE_OFFICER
from services.contracts.events.base import routing_key
from services.contracts.events.vouchers import VoucherIssued
from services.contracts.forms import Slug
from services.vouchers.application import access
from services.vouchers.application.fields import Command, Day, Quantity, Year, period
from services.vouchers.domain.commitment import committed_cents
from services.vouchers.domain.ledger import Terms
from services.vouchers.domain.measures import Measure, refuse_incompatible
from services.vouchers.domain.period import Period, calendar_year
from services.vouchers.domain.plan import SIGNED, Plan, PlanLine
from services.vouchers.domain.refusals import (
    BudgetExhausted,
    BudgetNotFound,
    IssuerWrotePlan,
    PersonNotYetKnown,
    PlanLineExhausted,
    PlanNotSigned,
    ServiceNotYetKnown,
)
from services.vouchers.domain.voucher import Voucher
from services.vouchers.persistence import copies, funding, plans, vouchers
from services.vouchers.persistence.plans import Plans


class IssueVoucherCommand(Command):
    """A voucher as asked for; `quantity` is in the line's unit."""

    plan_line_id: UUID
    quantity: Quantity
    fund: Slug
    year: Year
    valid_from: Day
    valid_to: Day


@dataclass(frozen=True, slots=True)
class IssueVoucher:
    """Issues vouchers and commits budgets."""

    plans: Plans
    outbox: Outbox
    clock: Clock

    def __call__(self, connection: Connection, caller: Caller, command: IssueVoucherCommand) -> Voucher:
        """The new voucher. Officer of the plan's comune, who did not write or sign the plan (maker-checker).

        Refuses with NotFound, Forbidden, IssuerWrotePlan, PlanNotSigned, InvalidField (fund, validity),
        IncompatibleMeasures, VoucherAlreadyIssued, PlanLineExhausted, BudgetNotFound, BudgetExhausted.
        """
        access.require_role(caller, COMUNE_OFFICER)
        plan = self.plans.of_line(connection, command.plan_line_id)
        if plan is None:
            raise NotFound(what="plan line", field="plan_line_id")
        access.require_role(caller, COMUNE_OFFICER, plan.comune)
        line = next(line for line in plan.lines if line.id == command.plan_line_id)
        now = self.clock.now()
        self._check_maker(connection, caller, plan)
        if plan.state != SIGNED:
            raise PlanNotSigned(field="plan_line_id")
        measures = funding.find_measures(connection)
        measure = measures[line.measure]
        validity = _validity(command, plan, measure)
        if validity.last is not None and validity.last < local_day(now):
            raise InvalidField(field="valid_to", it="Il giorno è passato.", en="The day is past.")
        self._take(connection, command, line, measures, person=plan.person_id, validity=validity)
        cents = self._commit(connection, command, plan, line)
        terms = Terms(
            person_id=plan.person_id,
            comune=plan.comune,
            plan_id=plan.id,
            plan_line_id=line.id,
            measure=line.measure,
            fund=measure.fund,
            budget_year=command.year,
            service=line.service,
            section=line.section,
            unit=line.unit,
            validity=validity,
            issued_by=caller.subject,
        )
        new = vouchers.NewVoucher(
            id=new_id(),
            terms=terms,
            quantity=command.quantity,
            committed_cents=cents,
            issued_at=now,
        )
        vouchers.issue(connection, new)
        self._tell(connection, new, command)
        voucher = vouchers.find(connection, new.id)
        assert voucher is not None  # noqa: S101 - inserted above
        return voucher

    def _check_maker(self, connection: Connection, caller: Caller, plan: Plan) -> None:
        regulation = funding.find_regulation(connection)
        checked = regulation is None or regulation.maker_checker
        if checked and caller.subject in (plan.written_by, plan.signed_with):
            raise IssuerWrotePlan

    def _take(
        self,
        connection: Connection,
        command: IssueVoucherCommand,
        line: PlanLine,
        measures: dict[str, Measure],
        *,
        person: UUID,
        validity: Period,
    ) -> None:
        # From here on nobody else issues to this person, so that two officers cannot each overlook the
        # other's voucher.
        if copies.comune_of(connection, person, lock=True) is None:
            raise PersonNotYetKnown
        vouchers.refuse_duplicate(connection, line.id, validity)
        held = vouchers.measures_in(connection, person, validity)
        refuse_incompatible(measures[line.measure], [measures[slug] for slug in held])
        if not plans.take_from_line(connection, line.id, command.quantity):
            raise PlanLineExhausted(field="quantity", remaining=plans.remaining_of_line(connection, line.id))

    def _commit(
        self, connection: Connection, command: IssueVoucherCommand, plan: Plan, line: PlanLine
    ) -> int:
        service = copies.find_service(connection, line.service)
        if service is None:
            raise ServiceNotYetKnown(field="plan_line_id")
        cents = committed_cents(
            command.quantity,
            line.unit,
            price_cents=service.price_cents,
            duration_minutes=service.duration_minutes,
        )
        if not funding.commit(connection, plan.comune, command.fund, command.year, cents):
            budget = funding.find_budget(connection, plan.comune, command.fund, command.year)
            if budget is None:
                raise BudgetNotFound(field="year", fund=command.fund, year=command.year)
            available = budget.allocated_cents - budget.committed_cents
            raise BudgetExhausted(field="quantity", available_cents=available, needed_cents=cents)
        return cents

    def _tell(self, connection: Connection, new: vouchers.NewVoucher, command: IssueVoucherCommand) -> None:
        data = VoucherIssued(
            voucher_id=new.id,
            person_id=new.terms.person_id,
            comune=new.terms.comune,
            valid_from=command.valid_from,
            valid_to=command.valid_to,
        )
        event = Event(
            type=VoucherIssued.event_type(),
            subject=str(new.id),
            sequence=1,
            occurred_at=new.issued_at,
            routing_key=routing_key(VoucherIssued, comune=new.terms.comune),
            public=VoucherIssued.public,
            data=data.to_json(),
        )
        self.outbox.add(connection, event)


def _validity(command: IssueVoucherCommand, plan: Plan, measure: Measure) -> Period:
    if command.fund != measure.fund:
        raise InvalidField(
            field="fund",
            it="La misura è finanziata da un altro fondo: {fund}.",
            en="The measure is paid from another fund: {fund}.",
            fund=measure.fund,
        )
    validity = period(command.valid_from, command.valid_to)
    limits = (
        (calendar_year(command.year), "dell'anno del fondo", "the fund's year"),
        (plan.validity, "del piano", "the plan's validity"),
        (measure.in_force, "della misura", "the measure's validity"),
    )
    for limit, it, en in limits:
        if not validity.lies_within(limit):
            field = "valid_from" if validity.first < limit.first else "valid_to"
            raise InvalidField(
                field=field,
                it=f"La validità esce da quella {it}: {{first}} – {{last}}.",
                en=f"The validity leaves {en}: {{first}} to {{last}}.",
                first=limit.first,
                last=limit.last or "…",
            )
    return validity
