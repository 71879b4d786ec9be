"""What a cooperative's visits of a month consumed: the basis of its invoice."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import StringConstraints
from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.refusal import NotFound
from services.contracts.access import PROVIDER_CLIENT, PROVIDER_STAFF
from services.contracts.forms import Slug
from services.vouchers.application import access
from services.vouchers.application.fields import Command
from services.vouchers.domain.commitment import Unit
from services.vouchers.domain.period import Period
from services.vouchers.persistence import copies, ledger
from services.vouchers.persistence.ledger import Consumption


class GetStatementQuery(Command):
    """A cooperative and a month, `YYYY-MM`, to which a visit belongs by its local service date."""

    provider: Slug
    month: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


@dataclass(frozen=True, slots=True)
class Statement:
    """The lines are the ledger's entries of consumption, so the totals are the ledger's."""

    provider: str
    month: str
    lines: tuple[Consumption, ...]

    @property
    def total_minutes(self) -> int:
        """Minutes on vouchers that count minutes."""
        return sum(line.quantity for line in self.lines if line.unit is Unit.MINUTES)

    @property
    def total_amount_cents(self) -> int:
        """The visits' prices, at the tariff of their service date."""
        return sum(line.amount_cents for line in self.lines)


def get_statement(connection: Connection, caller: Caller, query: GetStatementQuery) -> Statement:
    """The month's statement: whole for the cooperative itself and the plan office; a comune's officer sees
    the lines that her comune pays. Forbidden to everybody else; NotFound for an unknown cooperative.
    """
    caller.require_known()
    own = caller.has(PROVIDER_STAFF, query.provider) or caller.has(PROVIDER_CLIENT, query.provider)
    comuni = None if own else access.administered(connection, caller)
    if copies.accreditations_of(connection, query.provider) is None:
        raise NotFound(what="provider", field="provider")
    year, month = map(int, query.month.split("-"))
    days = Period(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
    return Statement(
        query.provider, query.month, tuple(ledger.consumptions(connection, query.provider, days, comuni))
    )
