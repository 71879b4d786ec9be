"""Taking over many residents at once, from a register's file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final
from uuid import UUID, uuid5

import sqlalchemy as sa
from pydantic import ValidationError

from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from services.contracts.territory.citizens import CitizenLine
from services.identity.application.events import person_registered
from services.identity.application.parts import Parts
from services.identity.domain.codice_fiscale import Sex
from services.identity.domain.person import ComuneNotInAmbito, PersonDetails, declared
from services.identity.persistence import bulk, persons
from services.identity.persistence.persons import Registration

_BATCH: Final = 2_000
_HOUSEHOLDS: Final = UUID("5e1c8a43-7c0c-5f5f-9a55-0d3b6f0f4a7e")
"""Name space in which a register's household names become ids, the same ones every time."""


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line that was left out, its number from 1, and why. Never the line itself: it is about a person."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """After a batch: lines read, persons registered and persons known already since the start, and wrong
    lines of this batch.
    """

    lines: int
    registered: int
    known: int
    wrong: tuple[WrongLine, ...]


def load_citizens(parts: Parts, lines: Iterable[str]) -> Iterator[Progress]:
    """Register the persons of an NDJSON file in batches, each in one transaction with its events.

    Persons already known by codice fiscale are passed over, so that an interrupted load is simply run again.
    They get no account and no code; a Social Point can issue one. Wrong lines are left out and reported.
    """
    with parts.database.read() as connection:
        comuni = persons.comuni(connection)
    numbered = enumerate(lines, start=1)
    done = registered = known = 0
    while batch := list(islice(numbered, _BATCH)):
        done = batch[-1][0]
        details, wrong = _read_batch(batch, comuni, parts.today)
        with parts.database.transaction() as connection:
            new = _register(parts, connection, details)
        registered += new
        known += len(details) - new
        yield Progress(done, registered, known, tuple(wrong))


def _read_batch(
    batch: list[tuple[int, str]], comuni: frozenset[str], today: date
) -> tuple[list[PersonDetails], list[WrongLine]]:
    details, wrong = [], []
    for number, line in batch:
        if not line.strip():
            continue
        try:
            details.append(_read(line, comuni, today))
        except Refusal as refusal:
            wrong.append(WrongLine(number, f"{refusal.field}: {refusal.message('en')}"))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "line"
            wrong.append(WrongLine(number, f"{where}: {first['msg']}"))
    return details, wrong


def _read(line: str, comuni: frozenset[str], today: date) -> PersonDetails:
    citizen = CitizenLine.model_validate_json(line)
    details = declared(
        codice_fiscale=citizen.codice_fiscale,
        given_name=citizen.given_name,
        family_name=citizen.family_name,
        birth_date=citizen.birth_date.isoformat(),
        sex=Sex(citizen.sex),
        comune=citizen.residence_comune,
        address=citizen.address,
        email=citizen.email or "",
        phone=citizen.phone or "",
        language=citizen.language,
        household_id="",
        own_household=uuid5(_HOUSEHOLDS, citizen.household),
        today=today,
    )
    if details.comune not in comuni:
        raise ComuneNotInAmbito(field="residence_comune", comune=details.comune)
    return details


def _register(parts: Parts, connection: sa.Connection, details: list[PersonDetails]) -> int:
    """Register those of the batch who are not known; how many."""
    by_index = {parts.data.index_codice_fiscale(each.codice_fiscale): each for each in reversed(details)}
    known = persons.known_codes(connection, by_index)
    now = parts.clock.now()
    registration = Registration(at=now, by="register")
    person_rows, code_rows, event_rows = [], [], []
    for index, each in by_index.items():
        if index in known:
            continue
        person_id = new_id()
        person_rows.append(persons.columns(parts.data, person_id, each, registration))
        code_rows.append(persons.codice_fiscale_columns(parts.data, person_id, each.codice_fiscale, now))
        event_rows.append(parts.outbox.values(person_registered(parts.data, person_id, each, now)))
    bulk.copy_persons(connection, persons=person_rows, codes=code_rows, events=event_rows)
    return len(person_rows)
