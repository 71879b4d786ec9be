"""What a migration does with what is there already."""

from importlib import import_module

import sqlalchemy as sa

from services.chassis.ids import new_id
from tests.vouchers.world import World

CONSUMED_CENTS = import_module("services.vouchers.persistence.migrations.versions.0002_consumed_cents")


def consume(world: World) -> None:
    booking = new_id()
    world.hold(world.voucher(60), booking)
    world.deliver(booking)


def test_what_was_consumed_before_is_counted_and_what_comes_after(world: World) -> None:
    with world.database.transaction() as connection:
        connection.execute(sa.text("DROP TRIGGER ledger_keeps_consumed_cents ON ledger_entry"))
        connection.execute(sa.text("DROP FUNCTION ledger_keeps_consumed_cents"))
    consume(world)
    consume(world)
    assert {(each.expected, each.found) for each in world.differences()} == {(2200, 0)}
    with world.database.transaction() as connection:
        connection.execute(sa.text("ALTER TABLE voucher DROP COLUMN consumed_cents"))
        connection.execute(sa.text(CONSUMED_CENTS.STATEMENTS))
    assert world.budget().consumed_cents == 4400
    consume(world)
    assert world.budget().consumed_cents == 6600
    assert world.differences() == []
