"""A vouchers database with a small territory in it, and the use cases as tests call them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.chassis.caller import Caller, Role
from services.chassis.clock import FixedClock
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.messaging.received import Received
from services.chassis.sealing import Sealer
from services.contracts.events.catalogue import BookingCancelled, BookingDelivered, BookingLapsed
from services.vouchers import bootstrap
from services.vouchers.application.choose_provider import ChooseProvider, ChooseProviderCommand
from services.vouchers.application.end_holds import EndHolds
from services.vouchers.application.expire_vouchers import expire_vouchers
from services.vouchers.application.file_reads import FileReads
from services.vouchers.application.hold_voucher import HoldCommand, HoldVoucher
from services.vouchers.application.issue_voucher import IssueVoucher, IssueVoucherCommand
from services.vouchers.application.read_plans import ReadPlans
from services.vouchers.application.read_vouchers import ReadVouchers
from services.vouchers.application.sign_plan import SignPlan, SignPlanCommand
from services.vouchers.application.verify_ledger import (
    Verification,
    VerifyLedgerQuery,
    verify_everything,
    verify_ledger,
)
from services.vouchers.application.write_plan import WritePlan, WritePlanCommand
from services.vouchers.domain.accreditation import Accreditation
from services.vouchers.domain.assignments import ChangeRules
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.ledger import Entry
from services.vouchers.domain.measures import Measure, Rule
from services.vouchers.domain.period import Period
from services.vouchers.domain.plan import Plan
from services.vouchers.domain.voucher import Voucher
from services.vouchers.persistence import copies, funding, ledger, vouchers
from services.vouchers.persistence.funding import Budget, Regulation
from services.vouchers.persistence.holds import Reservation
from services.vouchers.persistence.plans import Plans
from services.vouchers.persistence.tables import messaging

TRADATE, VENEGONO = "L319", "L733"
AMBITO = "ambito-di-prova"
AURORA, BETULLA, CEDRO = "aurora", "betulla", "cedro"  # cedro is accredited for another section only
HOME_CARE, MEALS = "assistenza-domiciliare", "pasti-a-domicilio"
SAD, B1, B2, MEAL_VOUCHER = "sad", "misura-b1", "misura-b2", "buono-pasti"
FUND = "fondo-sociale"
YEAR = 2026
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
FIRST, LAST = date(2026, 3, 1), date(2026, 6, 30)
KEYS = "k1:" + base64.b64encode(bytes(range(32))).decode()


def caller(subject: str, *roles: str, person: UUID | None = None, **acting_for: Any) -> Caller:
    """A caller with roles written "name:scope"; `acting_for=` maps persons to powers."""
    return Caller(
        subject,
        person=person,
        roles=frozenset(Role.parse(role) for role in roles),
        acting_for=acting_for.get("acting_for", {}),
    )


SOCIAL_WORKER = caller("worker-1", f"social_worker:{TRADATE}")
OFFICER = caller("officer-1", f"comune_officer:{TRADATE}")
PLAN_OFFICE = caller("office-1", f"plan_office:{AMBITO}")


def citizen(person: UUID) -> Caller:
    return caller(f"account-{person}", "citizen:*", person=person)


@dataclass
class World:
    """Use cases on one database, at a time that the test sets."""

    database: Database
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    plans: Plans = field(default_factory=lambda: Plans(Sealer.parse(KEYS)))
    _sequence: int = 0

    def __post_init__(self) -> None:
        outbox = bootstrap.outbox()
        self.write = WritePlan(self.plans, self.clock)
        self.sign = SignPlan(self.plans, self.clock)
        reads = FileReads(outbox, self.clock)
        self.read = ReadPlans(self.plans, reads)
        self.read_vouchers = ReadVouchers(reads)
        self.issue = IssueVoucher(self.plans, outbox, self.clock)
        self.choose = ChooseProvider(outbox, self.clock)
        self.hold_voucher = HoldVoucher(self.database, self.clock)
        self.end_holds = EndHolds(outbox, self.clock)

    def run(self, use_case: Callable[..., Any], *arguments: Any) -> Any:
        """The use case in a transaction of its own."""
        with self.database.transaction() as connection:
            return use_case(connection, *arguments)

    def settle(self, *, allocated_cents: int = 10_000_000, changes: ChangeRules | None = None) -> None:
        """A regulation, measures, budgets, cooperatives and services."""
        with self.database.transaction() as connection:
            regulation = Regulation(AMBITO, maker_checker=True, changes=changes or ChangeRules(0, 0))
            funding.put_regulation(connection, regulation)
            for measure in measures():
                funding.put_measure(connection, measure)
            for comune in (TRADATE, VENEGONO):
                funding.allocate(connection, Budget(comune, FUND, YEAR, allocated_cents))
            everything = Period(date(2026, 1, 1), date(2027, 12, 31))
            for slug, section in ((AURORA, "anziani"), (BETULLA, "anziani"), (CEDRO, "minori")):
                held = [Accreditation(section, "accredited", everything)]
                copies.keep_provider(connection, slug, held, 1)
            all_measures = frozenset({SAD, B1, B2, MEAL_VOUCHER})
            copies.keep_service(
                connection, copies.ServiceCopy(HOME_CARE, "anziani", 60, 2200, all_measures), 1
            )
            copies.keep_service(connection, copies.ServiceCopy(MEALS, "anziani", 30, 900, all_measures), 1)

    def person(self, comune: str = TRADATE) -> UUID:
        """A person known here."""
        person = new_id()
        with self.database.transaction() as connection:
            copies.keep_person(connection, person, comune, 1)
        return person

    def draft(self, person: UUID, quantity: int = 1200, **changes: Any) -> Plan:
        values: dict[str, Any] = {
            "person_id": person,
            "valid_from": FIRST,
            "valid_to": LAST,
            "goals": "Restare a casa",
            "lines": [{"measure": SAD, "service": HOME_CARE, "quantity": quantity}],
        }
        plan: Plan = self.run(self.write, SOCIAL_WORKER, WritePlanCommand(**values | changes))
        return plan

    def signed(self, person: UUID, quantity: int = 1200, **changes: Any) -> Plan:
        plan = self.draft(person, quantity, **changes)
        command = SignPlanCommand(plan_id=plan.id, signed_by="beneficiary")
        signed: Plan = self.run(self.sign, SOCIAL_WORKER, command)
        return signed

    def issued(
        self, plan: Plan, quantity: int | None = None, *, by: Caller = OFFICER, **changes: Any
    ) -> Voucher:
        line = plan.lines[0]
        values: dict[str, Any] = {
            "plan_line_id": line.id,
            "quantity": line.quantity if quantity is None else quantity,
            "fund": FUND,
            "year": YEAR,
            "valid_from": FIRST,
            "valid_to": LAST,
        }
        voucher: Voucher = self.run(self.issue, by, IssueVoucherCommand(**values | changes))
        return voucher

    def chosen(
        self,
        voucher: Voucher,
        provider: str = AURORA,
        valid_from: date | None = None,
        *,
        by: Caller | None = None,
    ) -> Voucher:
        command = ChooseProviderCommand(
            voucher_id=voucher.id,
            provider=provider,
            valid_from="" if valid_from is None else valid_from.isoformat(),
        )
        after: Voucher = self.run(self.choose, by or citizen(voucher.person_id), command)
        return after

    def voucher(self, quantity: int = 1200, *, person: UUID | None = None, **changes: Any) -> Voucher:
        """An active voucher for home care with aurora."""
        return self.chosen(self.issued(self.signed(person or self.person(), quantity), **changes))

    def hold(
        self, voucher: Voucher, booking: UUID | None = None, *, by: Caller | None = None, **changes: Any
    ) -> Reservation:
        values: dict[str, Any] = {
            "booking_id": booking or new_id(),
            "voucher_id": voucher.id,
            "person_id": voucher.person_id,
            "provider": AURORA,
            "service": HOME_CARE,
            "service_date": "2026-03-10",
            "minutes": 60,
            "cents": 2200,
        }
        return self.hold_voucher(by or citizen(voucher.person_id), HoldCommand(**values | changes))

    def end(self, booking: UUID, model: type[Any] = BookingCancelled, **changes: Any) -> None:
        """The event that the booking was cancelled (or lapsed, refused)."""
        self.run(self.end_holds, [self.message(model, booking, **changes)])

    def deliver(self, booking: UUID, **changes: Any) -> None:
        """The event that the visit took place."""
        self.run(self.end_holds, [self.message(BookingDelivered, booking, **changes)])

    def message(self, model: type[Any], booking: UUID, **changes: Any) -> Received:
        data = model.model_validate({**model.example, "booking_id": str(booking)} | changes)
        return self.received(model, data.to_json(), subject=str(booking))

    def received(
        self, model: type[Any], body: bytes, sequence: int | None = None, *, subject: str = "subject"
    ) -> Received:
        self._sequence += 1
        return Received(
            id=new_id(),
            type=model.event_type(),
            subject=subject,
            sequence=sequence or self._sequence,
            occurred_at=self.clock.now(),
            routing_key="a.b.c.d",
            headers={},
            body=body,
        )

    def lapse(self, booking: UUID) -> None:
        self.end(booking, BookingLapsed)

    def expire(self) -> int:
        return expire_vouchers(self.database, self.clock)

    def now_of(self, voucher: Voucher) -> Voucher:
        """The voucher as it is now."""
        with self.database.read() as connection:
            found = vouchers.find(connection, voucher.id)
        assert found is not None
        return found

    def entries(self, voucher: Voucher) -> list[Entry]:
        with self.database.read() as connection:
            return ledger.entries_of(connection, voucher.id)

    def budget(self, comune: str = TRADATE) -> Budget:
        with self.database.read() as connection:
            found = funding.list_budgets(connection, frozenset({comune}), YEAR)
        return next(budget for budget in found if budget.fund == FUND)

    def verified(self, voucher: Voucher | None = None) -> Verification:
        """Of one voucher, or of all."""
        with self.database.read() as connection:
            if voucher is None:
                return verify_everything(connection)
            return verify_ledger(
                connection, PLAN_OFFICE, VerifyLedgerQuery(voucher_id=voucher.id), lambda: None
            )

    def differences(self) -> list[ledger.Difference]:
        with self.database.read() as connection:
            return ledger.differences(connection)

    def events(self, voucher: Voucher) -> list[Any]:
        """What was written to the outbox about the voucher, in order of sequence."""
        query = (
            sa.select(messaging.outbox)
            .where(messaging.outbox.c.subject == str(voucher.id))
            .order_by(messaging.outbox.c.sequence)
        )
        with self.database.read() as connection:
            return list(connection.execute(query))


def measures() -> list[Measure]:
    """Home care in minutes, meals in cents, and two that exclude each other, one of which says so."""
    in_force = Period(date(2026, 1, 1), None)
    words = Rule(it="Su progetto firmato.", en="On a signed plan.", source="Regolamento art. 1")
    excluding = Rule(
        it="Incompatibile con la misura B1.", en="Incompatible with measure B1.", source="DGR 1, art. 4"
    )
    nothing: frozenset[str] = frozenset()
    sections = frozenset({"anziani"})

    def made(slug: str, unit: Unit, excluded: frozenset[str], *rules: Rule) -> Measure:
        name = slug.replace("-", " ").capitalize()
        return Measure(slug, name, name, FUND, unit, sections, in_force, excluded, rules)

    return [
        made(SAD, Unit.MINUTES, nothing, words),
        made(B1, Unit.MINUTES, nothing, words),
        made(B2, Unit.MINUTES, frozenset({B1}), words, excluding),
        made(MEAL_VOUCHER, Unit.CENTS, nothing, words),
    ]
