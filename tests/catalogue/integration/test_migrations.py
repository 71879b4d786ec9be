"""What a migration does with what is there already."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import command

from services.catalogue.bootstrap import SERVICE
from services.catalogue.persistence import tables
from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.migrations import configuration, migrate
from tests.catalogue.world import World, make_world
from tests.support.postgres import Postgres


def test_words_that_were_kept_in_clear_are_taken_away(postgres: Postgres) -> None:
    url = postgres.create_database("catalogue")
    config = configuration(SERVICE.migrations)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    database = Database(url, pool_size=2)
    try:
        world = make_world(database)
        cancelled = _booking(world, state="cancelled", version=2, cancelled_by="citizen", reason="malata")
        refused = _booking(world, state="refused", version=1, refusal={}, reason="voucher-exhausted")
        migrate(url, SERVICE.migrations)
        rows = world.rows(sa.select(tables.booking.c.id, tables.booking.c.reason))
        assert {row.id: row.reason for row in rows} == {cancelled: None, refused: "voucher-exhausted"}
    finally:
        database.dispose()
        postgres.drop_database(url)


def _booking(world: World, **values: Any) -> object:
    """One as the first version wrote it."""
    slot = world.slot()
    (of,) = world.rows(sa.select(tables.slot).where(tables.slot.c.id == slot))
    booking = new_id()
    world.insert(
        tables.booking,
        id=booking,
        person_id=new_id(),
        comune="L319",
        slot_id=slot,
        service="sad",
        provider="aurora",
        voucher_id=new_id(),
        minutes=60,
        price_cents=2250,
        starts_at=of.starts_at,
        ends_at=of.ends_at,
        service_date=of.service_date,
        zone=of.zone,
        wrong_codes=0,
        booked_by="x",
        created_at=world.clock.now(),
        changed_at=world.clock.now(),
        changed_by="x",
        **values,
    )
    return booking
