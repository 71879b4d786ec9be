"""Loading the real territory: once, again, changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.catalogue.application.change_accreditation import (
    ChangeAccreditation,
    ChangeAccreditationCommand,
)
from services.catalogue.application.load_territory import Loaded, load_territory
from services.catalogue.application.materialise_slots import materialise_slots
from services.catalogue.application.territory_rows import accreditations, social_point_rows
from services.catalogue.domain.accreditation import WITHOUT_END, Standing
from services.catalogue.persistence import tables
from services.chassis.clock import FixedClock
from services.chassis.database import Database
from services.contracts.events.catalogue import ProviderPublished, ServicePublished
from services.contracts.territory import Territory, read_territory
from services.contracts.territory.providers import Accreditation, Provider
from tests.catalogue.world import NOW, TUESDAY_NINE, World, staff

FOLDER = Path(__file__).parents[3] / "deploy/data/tradate"
NOTHING = Loaded(0, 0, 0, 0)


@pytest.fixture(scope="module")
def territory() -> Territory:
    """Tradate, with slots for one week only."""
    whole = read_territory(FOLDER)
    booking = whole.ambito.rules.booking.model_copy(update={"slot_horizon_days": 7})
    rules = whole.ambito.rules.model_copy(update={"booking": booking})
    return whole.model_copy(update={"ambito": whole.ambito.model_copy(update={"rules": rules})})


@pytest.fixture
def world(empty_database: Database) -> World:
    return World(empty_database)


def load(world: World, territory: Territory) -> Loaded:
    return load_territory(world.database, world.clock, territory)


def changed(territory: Territory, table: str, slug: str, **changes: Any) -> Territory:
    entries = [e.model_copy(update=changes) if e.slug == slug else e for e in getattr(territory, table)]
    return territory.model_copy(update={table: tuple(entries)})


def without(territory: Territory, table: str, is_gone: Callable[[Any], bool]) -> Territory:
    return territory.model_copy(update={table: tuple(e for e in getattr(territory, table) if not is_gone(e))})


def test_once_and_again(world: World, territory: Territory) -> None:
    loaded = load(world, territory)
    assert (loaded.providers, loaded.services, loaded.offerings) == (
        len(territory.providers),
        len(territory.services),
        len(territory.offerings),
    )
    events = world.events()
    assert {event.sequence for event in events} == {1}
    told = [
        ProviderPublished.model_validate_json(e.data)
        for e in events
        if e.type == ProviderPublished.event_type()
    ]
    assert {data.provider for data in told} == {provider.slug for provider in territory.providers}
    services = [
        ServicePublished.model_validate_json(e.data)
        for e in events
        if e.type == ServicePublished.event_type()
    ]
    by_slug = {data.service_slug: data for data in services}
    morning = by_slug["igiene-e-alzata"]  # 45 minutes at 22.50 an hour
    assert (morning.price_cents, morning.section, morning.duration_minutes) == (1688, "anziani", 45)
    assert {data.section for data in services} >= {"", "anziani"}
    assert load(world, territory) == NOTHING
    assert len(world.events()) == len(events)


def test_a_change_is_told_once_with_the_next_number(world: World, territory: Territory) -> None:
    load(world, territory)
    before = len(world.events())
    other = changed(territory, "services", "sad-anziani", price_cents=2300)
    other = changed(other, "providers", "cedro-azzurro", phone="+390331999999")
    assert load(world, other) == Loaded(0, 1, 1, 0)
    assert [(e.subject, e.sequence) for e in world.events()[before:]] == [
        ("cedro-azzurro", 2),
        ("sad-anziani", 2),
    ]
    assert load(world, other) == NOTHING


def test_what_is_gone_is_retired(world: World, territory: Territory) -> None:
    load(world, territory)
    materialise_slots(world.database, world.clock)
    person = world.person("L319")
    slot = world.rows(
        sa.select(tables.slot.c.id, tables.slot.c.offering_id)
        .where(tables.slot.c.offering_id == "sad-anziani-at-cedro-azzurro-sud", tables.slot.c.starts_at > NOW)
        .order_by(tables.slot.c.starts_at)
        .limit(1)
    )[0]
    booking = world.book(slot.id, person)
    smaller = without(territory, "offerings", lambda offering: offering.slug == slot.offering_id)
    assert load(world, smaller).offerings == 1
    done = materialise_slots(world.database, world.clock)
    assert (done.withdrawn, done.created) == (1, 0)
    assert done.deleted > 10
    (left,) = world.rows(sa.select(tables.slot).where(tables.slot.c.offering_id == slot.offering_id))
    assert (left.id, left.taken, left.withdrawn) == (slot.id, 1, True)
    assert world.bookings.get(booking.id) == booking
    assert load(world, territory).offerings == 1
    assert materialise_slots(world.database, world.clock).updated == 1
    world.check_invariants()


def test_a_retired_cooperative_is_told_of_without_accreditations(world: World, territory: Territory) -> None:
    """Or the others would go on taking it for accredited: choices and holds look at nothing else."""
    gone = "cedro-azzurro"
    load(world, territory)
    smaller = without(territory, "offerings", lambda offering: offering.provider == gone)
    assert load(world, without(smaller, "providers", lambda provider: provider.slug == gone)).providers == 1
    assert load(world, territory).providers == 1
    told = [
        (event.sequence, bool(ProviderPublished.model_validate_json(event.data).accreditations))
        for event in world.events()
        if event.subject == gone
    ]
    assert told == [(1, True), (2, False), (3, True)]  # retired, and come back


def test_the_plan_office_s_decision_outlives_another_load(world: World, territory: Territory) -> None:
    load(world, territory)
    command = ChangeAccreditationCommand(
        provider="cedro-azzurro",
        section="anziani",
        state=Standing.SUSPENDED,
        valid_from=None,
        valid_to=None,
        reason="Verifica in corso",
    )
    ChangeAccreditation(world.database, world.clock)(command, staff("plan_office:tradate"))
    events = len(world.events())
    assert load(world, territory) == NOTHING
    assert len(world.events()) == events
    states = world.rows(
        sa.select(tables.accreditation.c.state).where(
            tables.accreditation.c.provider == "cedro-azzurro", tables.accreditation.c.section == "anziani"
        )
    )
    assert [row.state for row in states] == ["suspended"]


def test_the_register_as_the_file_has_it(territory: Territory) -> None:
    entry = Accreditation.model_validate_json(
        b'{"section": "anziani", "status": "accredited", "valid_from": "2026-01-01",'
        b' "patto": {"status": "active", "valid_from": "2026-02-01", "valid_to": "2026-12-31"}}'
    )

    def standing(**changes: Any) -> tuple[str, date, date]:
        provider: Provider = territory.providers[0].model_copy(
            update={"accreditations": (entry.model_copy(update=changes),)}
        )
        (kept,) = accreditations(provider)
        return kept.state.value, kept.valid_from, kept.valid_to

    assert standing() == ("accredited", date(2026, 2, 1), date(2026, 12, 31))
    assert standing(patto=None) == ("suspended", date(2026, 1, 1), WITHOUT_END)
    assert entry.patto is not None
    draft = entry.patto.model_copy(update={"status": "draft"})
    assert standing(patto=draft)[0] == "suspended"
    assert (
        standing(valid_to=date(2026, 1, 31))[0] == "suspended"
    )  # the patto begins after the entry has ended
    assert standing(status="withdrawn")[0] == "revoked"


def test_opening_hours_in_words(territory: Territory) -> None:
    tradate = next(row for row in social_point_rows(territory) if row["slug"] == "tradate")
    assert tradate["opening_hours"] == "lun–ven 09:00–13:00; mar, gio 14:00–18:00"


def test_slots_follow_the_days(world: World, territory: Territory) -> None:
    load(world, territory)
    first = materialise_slots(world.database, world.clock)
    assert first.created > 1_000
    again = materialise_slots(world.database, world.clock)
    assert (again.created, again.updated, again.withdrawn, again.deleted) == (0, 0, 0, 0)
    world.clock.advance(timedelta(days=1))
    tomorrow = materialise_slots(world.database, world.clock)
    assert 0 < tomorrow.created < first.created
    assert (tomorrow.updated, tomorrow.withdrawn, tomorrow.deleted) == (0, 0, 0)
    (last,) = world.rows(sa.select(sa.func.max(tables.slot.c.service_date)))
    assert last[0] == date(2026, 12, 1)
    (past,) = world.rows(
        sa.select(sa.func.count()).where(tables.slot.c.starts_at <= NOW, tables.slot.c.taken == 0)
    )
    assert past[0] == 0
    tuesday = world.rows(
        sa.select(tables.slot.c.id).where(
            tables.slot.c.offering_id == "sad-anziani-at-cedro-azzurro-sud",
            tables.slot.c.starts_at == TUESDAY_NINE,
        )
    )
    assert len(tuesday) == 1


def test_a_holiday_and_a_closure(empty_database: Database, territory: Territory) -> None:
    world = World(empty_database, FixedClock(NOW.replace(month=12, day=22)))
    load(world, territory)
    materialise_slots(world.database, world.clock)
    days = {
        (row.provider, row.on_holidays, row.service_date)
        for row in world.rows(
            sa.select(
                tables.offering.c.provider,
                tables.availability_rule.c.on_holidays,
                tables.slot.c.service_date,
            )
            .join(tables.offering, tables.offering.c.id == tables.slot.c.offering_id)
            .join(tables.availability_rule, tables.availability_rule.c.offering_id == tables.offering.c.id)
        )
    }
    christmas = date(2026, 12, 25)
    assert {on_holidays for _, on_holidays, day in days if day == christmas} >= {True}
    only_working = {p for p, h, _ in days} - {p for p, h, _ in days if h}
    assert only_working
    assert not any(day == christmas for provider, _, day in days if provider in only_working)
    assert not any(day > date(2026, 12, 23) for provider, _, day in days if provider == "nido-di-rondine")
