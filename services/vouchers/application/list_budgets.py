"""What the comuni may spend, have committed and have spent."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from services.chassis.caller import Caller
from services.chassis.refusal import Forbidden
from services.contracts.forms import OptionalBelfiore
from services.vouchers.application import access
from services.vouchers.application.fields import Command
from services.vouchers.persistence import funding
from services.vouchers.persistence.funding import Budget


class ListBudgetsQuery(Command):
    """Budgets of one comune, or of all that the caller oversees; of one year, or (0) of every one."""

    comune: OptionalBelfiore = ""
    year: Annotated[int, Field(ge=0, le=2100)] = 0


def list_budgets(connection: Connection, caller: Caller, query: ListBudgetsQuery) -> list[Budget]:
    """By comune, fund and year. Officers of a comune see its own, the plan office all. Forbidden to everybody
    else.
    """
    comuni = access.administered(connection, caller)
    if query.comune:
        if comuni is not None and query.comune not in comuni:
            raise Forbidden
        comuni = frozenset({query.comune})
    return funding.list_budgets(connection, comuni, query.year or None)
