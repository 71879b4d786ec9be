"""Nobody changes the ledger through the service; who does it behind its back is found."""

import pytest
import sqlalchemy as sa

from services.chassis.ids import new_id
from services.vouchers.domain.voucher import Voucher
from tests.vouchers.conftest import Tamper
from tests.vouchers.world import World


@pytest.fixture
def used(world: World) -> Voucher:
    """A voucher with a whole little life, beside others that nobody touches."""
    voucher, held, released, consumed = world.voucher(600), new_id(), new_id(), new_id()
    for booking in (held, released, consumed):
        world.hold(voucher, booking)
        world.hold(world.voucher(60), new_id())
    world.end(released)
    world.deliver(consumed)
    assert world.verified().faults == ()
    return voucher


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger_entry SET quantity = 1", "DELETE FROM ledger_entry", "TRUNCATE ledger_entry"]
)
def test_the_ledger_is_append_only(world: World, used: Voucher, statement: str) -> None:
    with (
        pytest.raises(sa.exc.IntegrityError, match="append-only"),
        world.database.transaction() as connection,
    ):
        connection.execute(sa.text(statement))


@pytest.mark.parametrize("statement", ["DELETE FROM voucher", "TRUNCATE voucher CASCADE"])
def test_vouchers_are_kept(world: World, used: Voucher, statement: str) -> None:
    with pytest.raises(sa.exc.IntegrityError), world.database.transaction() as connection:
        connection.execute(sa.text(statement))


@pytest.mark.parametrize(
    ("statement", "sequence"),
    [
        ("UPDATE ledger_entry SET quantity = quantity + 1 WHERE voucher_id = %s AND sequence = 3", 3),
        ("UPDATE ledger_entry SET amount_cents = 1 WHERE voucher_id = %s AND sequence = 6", 6),
        ("UPDATE ledger_entry SET service_date = service_date + 1 WHERE voucher_id = %s AND sequence = 6", 6),
        ("UPDATE ledger_entry SET provider = 'betulla' WHERE voucher_id = %s AND sequence = 6", 6),
        ("DELETE FROM ledger_entry WHERE voucher_id = %s AND sequence = 3", 4),
        ("DELETE FROM ledger_entry WHERE voucher_id = %s AND sequence = 6", 0),
        ("DELETE FROM ledger_entry WHERE voucher_id = %s", 0),
        ("UPDATE voucher SET available = available + 60, issued = issued + 60 WHERE id = %s", 0),
        ("UPDATE voucher SET available = available + 60, consumed = consumed - 60 WHERE id = %s", 0),
        ("UPDATE voucher SET person_id = gen_random_uuid() WHERE id = %s", 1),
        ("UPDATE voucher SET comune = 'L733' WHERE id = %s", 1),
        ("UPDATE voucher SET valid_to = valid_to + 1 WHERE id = %s", 1),
        ("UPDATE voucher SET unit = 'cents' WHERE id = %s", 1),
    ],
)
def test_tampering_is_found_where_it_is(
    world: World, used: Voucher, tamper: Tamper, statement: str, sequence: int
) -> None:
    assert tamper(statement, used.id)
    verification = world.verified()
    assert verification.vouchers == 4
    assert {(fault.voucher_id, fault.sequence) for fault in verification.faults} == {(used.id, sequence)}


FROZEN = """
    id person_id comune plan_id plan_line_id measure fund budget_year service section unit valid_from valid_to
    issued issued_by issued_at
"""


@pytest.mark.parametrize("column", FROZEN.split())
def test_what_a_voucher_was_issued_for_does_not_change(world: World, used: Voucher, column: str) -> None:
    with (
        pytest.raises(sa.exc.IntegrityError, match="stays what it was issued for"),
        world.database.transaction() as connection,
    ):
        connection.execute(sa.text(f"UPDATE voucher SET {column} = {column}"))  # noqa: S608


def test_a_balance_that_does_not_add_up_cannot_be_written(world: World, used: Voucher) -> None:
    with (
        pytest.raises(sa.exc.IntegrityError, match="voucher_conserved"),
        world.database.transaction() as connection,
    ):
        connection.execute(sa.text("UPDATE voucher SET available = available + 1"))


def test_a_lost_hold_is_found_by_reconciliation(world: World, used: Voucher, tamper: Tamper) -> None:
    tamper("UPDATE hold SET state = 'released', ended_at = now() WHERE voucher_id = %s", used.id)
    tamper("UPDATE budget SET committed_cents = committed_cents + 5 WHERE comune = 'L319'")
    differences = {(found.expected, found.found) for found in world.differences()}
    committed = world.budget().committed_cents
    assert differences == {(0, 60), (committed - 5, committed)}
