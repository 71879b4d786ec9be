"""A small ambito on a real database: two cooperatives, two services, and slots and persons as a test wants
them.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from services.catalogue.application.book_slot import BookSlot, BookSlotCommand
from services.catalogue.application.booking_events import BOOKING_EVENTS
from services.catalogue.application.reasons import Reasons
from services.catalogue.application.why_not_bookable import WhyNotBookable
from services.catalogue.domain.booking import OCCUPYING, Booking
from services.catalogue.persistence import tables
from services.catalogue.persistence.bookings import Bookings
from services.chassis.caller import Caller, Role
from services.chassis.clock import FixedClock
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from services.chassis.sealing import Sealer

ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday
TUESDAY_NINE = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)  # 09:00 in Rome
TRADATE, VENEGONO, VEDANO = "L319", "L733", "L703"
AURORA, BREZZA = "aurora", "brezza"
SAD, GINNASTICA = "sad", "ginnastica"
SECTION = "anziani"
HOLD_SECONDS = 120
SECRET = bytes(range(32))
KEYS = f"k1:{base64.b64encode(SECRET).decode()}"
REASONS = Reasons(Sealer.parse(KEYS))


class ScriptedHolds:
    """The voucher's side: holds, unless `replies` says otherwise; remembers what it was asked."""

    def __init__(self) -> None:
        self.replies: list[Refusal | None] = []
        self.asked: list[UUID] = []

    def hold(self, booking: Booking, caller: Caller) -> None:
        self.asked.append(booking.id)
        reply = self.replies.pop(0) if self.replies else None
        if reply is not None:
            raise reply


def citizen(person: UUID) -> Caller:
    return Caller(subject=f"account-{person}", person=person, roles=frozenset({Role("citizen", "*")}))


def staff(*roles: str) -> Caller:
    return Caller(subject=f"staff-{'-'.join(roles)}", roles=frozenset(map(Role.parse, roles)))


def acting(person: UUID, *powers: str, roles: Iterable[str] = ()) -> Caller:
    return Caller(
        subject=f"acting-{new_id()}",
        person=new_id(),
        roles=frozenset(map(Role.parse, roles)),
        acting_for={person: frozenset(powers)},
    )


@dataclass
class World:
    """The parts of catalogue on one database."""

    database: Database
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    holds: ScriptedHolds = field(default_factory=ScriptedHolds)

    def __post_init__(self) -> None:
        self._hours = itertools.count()
        self.bookings = Bookings(self.database, BOOKING_EVENTS)
        self.book_slot = BookSlot(
            self.bookings, self.holds, WhyNotBookable(self.database, self.clock), self.clock
        )

    def person(self, comune: str = TRADATE) -> UUID:
        person = new_id()
        self.insert(tables.person, id=person, comune=comune, sequence=1)
        return person

    def slot(
        self,
        offering: str = "sad-aurora",
        starts_at: datetime | None = None,
        capacity: int = 1,
        **values: Any,
    ) -> UUID:
        """A slot on Tuesday at nine; the next one an hour later, and so on, if no time is given."""
        slot = new_id()
        if starts_at is None:
            starts_at = TUESDAY_NINE + timedelta(hours=next(self._hours))
        self.insert(
            tables.slot,
            id=slot,
            offering_id=offering,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            service_date=starts_at.astimezone(ROME).date(),
            zone="Europe/Rome",
            capacity=capacity,
            closed_comuni=values.pop("closed_comuni", []),
            **values,
        )
        return slot

    def book(
        self,
        slot: UUID | None = None,
        person: UUID | None = None,
        *,
        voucher: UUID | None = None,
        key: str | None = None,
        caller: Caller | None = None,
    ) -> Booking:
        slot = slot or self.slot()
        person = person or self.person()
        return self.book_slot(command(slot, person, voucher, key or str(new_id())), caller or citizen(person))

    def insert(self, table: sa.Table, **values: Any) -> None:
        with self.database.transaction() as connection:
            connection.execute(sa.insert(table).values(**values))

    def update(self, table: sa.Table, *conditions: sa.ColumnElement[bool], **values: Any) -> None:
        with self.database.transaction() as connection:
            connection.execute(sa.update(table).where(*conditions).values(**values))

    def rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        with self.database.read() as connection:
            return list(connection.execute(query))

    def taken(self, slot: UUID) -> int:
        return int(self.rows(sa.select(tables.slot.c.taken).where(tables.slot.c.id == slot))[0][0])

    def events(self) -> list[sa.Row[Any]]:
        return self.rows(sa.select(tables.messaging.outbox).order_by(tables.messaging.outbox.c.id))

    def check_invariants(self) -> None:
        """Seats are bookings, never more than there are; events of a booking are numbered without gaps."""
        booking, slot = tables.booking, tables.slot
        seated = sa.func.count(booking.c.id).filter(booking.c.state.in_(sorted(OCCUPYING)))
        seats = sa.select(slot.c.id, slot.c.taken, slot.c.capacity, seated.label("seated"))
        for row in self.rows(seats.outerjoin(booking, booking.c.slot_id == slot.c.id).group_by(slot.c.id)):
            assert row.taken == row.seated <= row.capacity
        told: dict[str, list[int]] = {}
        for event in self.events():
            told.setdefault(event.subject, []).append(event.sequence)
        for row in self.rows(sa.select(booking.c.id, booking.c.version)):
            assert told.get(str(row.id), []) == list(range(1, row.version + 1))


def command(slot: UUID, person: UUID | None, voucher: UUID | None, key: str | None) -> BookSlotCommand:
    return BookSlotCommand(
        slot_id=slot,
        person_id=person,
        voucher_id=voucher,
        idempotency_key=key,
        request=f"{slot} {person} {voucher}".encode(),
    )


def make_world(database: Database) -> World:
    world = World(database)
    world.insert(
        tables.ambito,
        id=1,
        slug="tradate",
        zone="Europe/Rome",
        hold_seconds=HOLD_SECONDS,
        slot_horizon_days=60,
        cancellation_notice_hours=24,
        cancellation_notice_skips_holidays=True,
    )
    for number, code in enumerate((TRADATE, VENEGONO, VEDANO)):
        world.insert(
            tables.comune,
            code=code,
            istat=f"01212{number}",
            name=f"Comune {code}",
            cap="21040",
            patron_month=10,
            patron_day=7 + number,
        )
    world.insert(tables.section, slug=SECTION, name_it="Anziani", name_en="Older people")
    world.insert(tables.category, slug="silver-care", name_it="SilverCare", name_en="SilverCare")
    for slug in (AURORA, BREZZA):
        world.insert(
            tables.provider,
            slug=slug,
            name=f"Cooperativa {slug}",
            description_it="Aiuto",
            description_en="Help",
            email=f"info@{slug}.example.it",
            phone="+390331000000",
            active=True,
            version=1,
        )
        accredit(world, slug)
    _service(world, SAD, "accredited", SECTION, 2250)
    _service(world, GINNASTICA, "private", "", 1500)
    for offering, service, provider, comuni in (
        ("sad-aurora", SAD, AURORA, [TRADATE, VENEGONO]),
        ("sad-brezza", SAD, BREZZA, [TRADATE]),
        ("ginnastica-aurora", GINNASTICA, AURORA, [TRADATE, VENEGONO, VEDANO]),
    ):
        world.insert(
            tables.offering, id=offering, service=service, provider=provider, comuni=comuni, active=True
        )
    return world


def accredit(
    world: World, provider: str, first: date = date(2026, 1, 1), last: date = date(2027, 12, 31)
) -> None:
    world.insert(
        tables.accreditation,
        provider=provider,
        section=SECTION,
        state="accredited",
        valid_from=first,
        valid_to=last,
    )


def _service(world: World, slug: str, kind: str, section: str, price_cents: int) -> None:
    world.insert(
        tables.service,
        slug=slug,
        category="silver-care",
        section=section,
        kind=kind,
        name_it=f"Servizio {slug}",
        name_en=f"Service {slug}",
        description_it="Descrizione",
        description_en="Description",
        target_it="Tutti",
        target_en="Everybody",
        duration_minutes=60,
        price_cents=price_cents,
        measures=["buono"] if section else [],
        keywords="",
        active=True,
        version=1,
    )
