"""Outbox rows of bookings, made by the statement that moves the booking.

The event's data are assembled by the database, because only the moved row knows them and because one
statement is a quarter of the time of four. Tests compare them with the contract's models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from services.catalogue.persistence.constants import text
from services.catalogue.persistence.tables import messaging
from services.chassis import tracing
from services.chassis.ids import new_id

_outbox: Final = messaging.outbox
_UTC: Final = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'


@dataclass(frozen=True, slots=True)
class BookingEventKind:
    """What distinguishes one event of bookings from another.

    `routing_words` are `booking.<past-tense>`; `more` maps further fields of the data to columns of the
    booking.
    """

    type: str
    routing_words: str
    public: bool
    more: Mapping[str, str] = field(default_factory=dict)


def event_of(kind: BookingEventKind, moved: sa.CTE) -> sa.CTE:
    """`INSERT INTO outbox SELECT … FROM moved`: one event for each moved booking; see `event_parameters`."""
    row = moved.c
    facts: dict[str, sa.ColumnElement[Any]] = {
        "booking_id": row.id,
        "person_id": row.person_id,
        "provider": row.provider,
        "comune": row.comune,
        "starts_at": _utc(row.starts_at),
        "ends_at": _utc(row.ends_at),
        "with_voucher": row.voucher_id.is_not(None),
    }
    for name, column in kind.more.items():
        value = row[column]
        facts[name] = _utc(value) if isinstance(value.type, TIMESTAMP) else value
    pairs = [part for name, value in facts.items() for part in (text(name), value)]
    data = sa.func.convert_to(sa.cast(sa.func.jsonb_build_object(*pairs), sa.Text), text("UTF8"))
    columns: dict[str, sa.ColumnElement[Any]] = {
        "event_id": sa.bindparam("event_id", type_=UUID(as_uuid=True)),
        "source": text("ambito/catalogue"),
        "type": text(kind.type),
        "subject": sa.cast(row.id, sa.Text),
        "sequence": row.version,
        "occurred_at": row.changed_at,
        "routing_key": text(f"{kind.routing_words}.") + row.comune + text(".") + row.provider,
        "public": sa.true() if kind.public else sa.false(),
        "traceparent": sa.bindparam("traceparent", type_=sa.Text),
        "data": data,
    }
    chosen = sa.select(*(column.label(name) for name, column in columns.items())).select_from(moved)
    return sa.insert(_outbox).from_select(list(columns), chosen).cte("event")


def event_parameters() -> dict[str, Any]:
    """What every execution of a statement with `event_of` is given."""
    return {"event_id": new_id(), "traceparent": tracing.current_traceparent()}


def _utc(instant: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.to_char(sa.func.timezone(text("UTC"), instant), text(_UTC))
