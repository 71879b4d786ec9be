"""The forms of the values in requests. A value of another form is refused before anything else happens."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from services.chassis.refusal import InvalidField
from services.vouchers.domain.period import Period

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Command(BaseModel):
    """A request, checked field by field; its field names are those of the contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _written_as_a_day(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("date_parsing", "Input should be a date written YYYY-MM-DD")
    return value


def _absent_if_empty(value: Any) -> Any:  # noqa: ANN401 - whatever was sent
    return None if value == "" else value


Day = Annotated[date, BeforeValidator(_written_as_a_day)]
OptionalDay = Annotated[date | None, BeforeValidator(_written_as_a_day), BeforeValidator(_absent_if_empty)]
# Of several validators before, the last one sees the value first.
Year = Annotated[int, Field(ge=2000, le=2100)]
Quantity = Annotated[int, Field(gt=0, le=10_000_000)]
"""Minutes or cents: at most 100,000 euro or nineteen years of care."""


def period(valid_from: date, valid_to: date) -> Period:
    """Both days as a period. InvalidField if it ends before it begins."""
    if valid_to < valid_from:
        raise InvalidField(
            field="valid_to",
            it="L'ultimo giorno precede il primo.",
            en="The last day is before the first one.",
        )
    return Period(valid_from, valid_to)
