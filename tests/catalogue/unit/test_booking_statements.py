"""The shape of the statements that every booking runs."""

from __future__ import annotations

import re

import sqlalchemy as sa
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH, MAX_CACHED_STATEMENT_PARAMS
from sqlalchemy.dialects import postgresql

from services.catalogue.application.booking_events import BOOKING_EVENTS
from services.catalogue.domain.booking import CONFIRM, MOVES, State
from services.catalogue.persistence.booking_statements import move_booking, take_seat
from services.catalogue.persistence.conditions import still_accredited

STATEMENTS: tuple[sa.Select[tuple[object, ...]], ...] = (
    take_seat(State.CONFIRMED, BOOKING_EVENTS[CONFIRM]),
    take_seat(State.HELD, None),
    *(move_booking(move, BOOKING_EVENTS[move]) for move in MOVES),
    move_booking(CONFIRM, BOOKING_EVENTS[CONFIRM], still_accredited()),
    *(move_booking(move, BOOKING_EVENTS[move], frees_key=True) for move in MOVES),
)


def test_every_statement_is_short_enough_for_psycopg_to_remember_it() -> None:
    """One that is longer is taken apart anew each time: a tenth more time for every booking."""
    for statement in STATEMENTS:
        compiled = statement.compile(dialect=postgresql.psycopg.dialect())  # type: ignore[no-untyped-call]
        assert len(str(compiled)) <= MAX_CACHED_STATEMENT_LENGTH
        assert len(compiled.params) <= MAX_CACHED_STATEMENT_PARAMS


def test_what_is_looked_for_is_the_bookings_own() -> None:
    """A table named twice is one of any row: of whichever booking, instead of this one."""
    looked_for = [
        tables
        for statement in STATEMENTS
        for tables in re.findall(r"EXISTS \(SELECT \*\s+FROM (.+?)\s+WHERE", str(statement), re.DOTALL)
    ]
    assert set(looked_for) == {"accreditation", "idempotency", "service"}
