"""The person chooses, or changes, the cooperative that works on her voucher."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.civil_time import local_day
from services.chassis.clock import Clock
from services.chassis.messaging.event import Event
from services.chassis.messaging.outbox import Outbox
from services.chassis.refusal import InvalidField
from services.contracts.access import (
    CHOOSE_PROVIDER,
    COMUNE_OFFICER,
    PLAN_OFFICE,
    PROVIDER_CLIENT,
    PROVIDER_STAFF,
)
from services.contracts.events.base import routing_key
from services.contracts.events.vouchers import VoucherProviderChosen
from services.contracts.forms import Slug
from services.vouchers.application import access
from services.vouchers.application.fields import Command, OptionalDay
from services.vouchers.domain.accreditation import is_accredited
from services.vouchers.domain.assignments import ChangeRules
from services.vouchers.domain.refusals import (
    NotYourVoucher,
    ProviderNotAccredited,
    ProviderNotYetKnown,
    VoucherExpired,
    VoucherNotFound,
    VoucherNotYetValid,
)
from services.vouchers.domain.voucher import EXPIRED, Voucher
from services.vouchers.persistence import copies, funding, vouchers

_NEVER = (PROVIDER_STAFF, PROVIDER_CLIENT, COMUNE_OFFICER, PLAN_OFFICE)
"""Free choice: neither who is chosen nor who pays decides for the person, whatever power they were given."""


class ChooseProviderCommand(Command):
    """A choice; without `valid_from` it counts from today, or from the voucher's first day if that is to
    come.
    """

    voucher_id: UUID
    provider: Slug
    valid_from: OptionalDay = None


@dataclass(frozen=True, slots=True)
class ChooseProvider:
    """Records choices."""

    outbox: Outbox
    clock: Clock

    def __call__(self, connection: Connection, caller: Caller, command: ChooseProviderCommand) -> Voucher:
        """The voucher with its assignments; unchanged if the cooperative was chosen for that time already.

        Holds for visits that were booked before stay with the cooperative that they were booked with. Refuses
        with VoucherNotFound, NotYourVoucher, VoucherNotYetValid, VoucherExpired, ProviderNotYetKnown,
        ProviderNotAccredited, ProviderChangeTooEarly, InvalidField.
        """
        caller.require_known()
        voucher = vouchers.find(connection, command.voucher_id, lock=True)
        if voucher is None:
            raise VoucherNotFound
        if not access.acts_for(caller, voucher.person_id, CHOOSE_PROVIDER, never=_NEVER):
            raise NotYourVoucher(field="voucher_id")
        now = self.clock.now()
        today = local_day(now)
        first = _first_day(command.valid_from, voucher, today)
        self._check_accreditation(connection, command.provider, voucher.section, first)
        regulation = funding.find_regulation(connection)
        chosen = voucher.assignments.choosing(
            command.provider,
            first,
            today=today,
            rules=ChangeRules(0, 0) if regulation is None else regulation.changes,
        )
        if chosen == voucher.assignments:
            return voucher
        version = vouchers.assign(connection, voucher, chosen, chosen_by=caller.subject, chosen_at=now)
        self._tell(connection, voucher, command.provider, first, version=version, at=now)
        after = vouchers.find(connection, voucher.id)
        assert after is not None  # noqa: S101 - locked above
        return after

    def _check_accreditation(self, connection: Connection, provider: str, section: str, day: date) -> None:
        accreditations = copies.accreditations_of(connection, provider)
        if accreditations is None:
            raise ProviderNotYetKnown
        if not is_accredited(accreditations, section, day):
            raise ProviderNotAccredited(field="provider", section=section, day=day)

    def _tell(
        self,
        connection: Connection,
        voucher: Voucher,
        provider: str,
        first: date,
        *,
        version: int,
        at: datetime,
    ) -> None:
        data = VoucherProviderChosen(
            voucher_id=voucher.id,
            person_id=voucher.person_id,
            comune=voucher.comune,
            provider=provider,
            valid_from=first,
        )
        event = Event(
            type=VoucherProviderChosen.event_type(),
            subject=str(voucher.id),
            sequence=version,
            occurred_at=at,
            routing_key=routing_key(VoucherProviderChosen, comune=voucher.comune, provider=provider),
            public=VoucherProviderChosen.public,
            data=data.to_json(),
        )
        self.outbox.add(connection, event)


def _first_day(asked: date | None, voucher: Voucher, today: date) -> date:
    validity = voucher.validity
    first = max(today, validity.first) if asked is None else asked
    if voucher.state == EXPIRED or (validity.last is not None and max(first, today) > validity.last):
        raise VoucherExpired(field="valid_from", valid_to=validity.last)
    if first < today:
        raise InvalidField(field="valid_from", it="Il giorno è passato.", en="The day is past.")
    if first < validity.first:
        raise VoucherNotYetValid(field="valid_from", valid_from=validity.first)
    return first
