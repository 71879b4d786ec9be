"""The end of vouchers: after the last local day, when no hold is open, and the budget gets back what is
left.
"""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.database import Database
from services.chassis.ids import new_id
from services.chassis.refusal import Refusal
from services.vouchers.domain.ledger import Balance
from services.vouchers.persistence.expiry import still_committed
from tests.vouchers.world import World

LAST_EVENING = datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC)  # a second before midnight in Italy


def test_the_last_local_day_still_counts(world: World) -> None:
    voucher = world.voucher(600)
    world.clock._instant = LAST_EVENING
    assert world.expire() == 0
    assert world.hold(voucher, service_date="2026-06-30")


def test_afterwards_what_was_available_expires_and_the_budget_regains_it(world: World) -> None:
    voucher, booking = world.voucher(600), new_id()
    world.hold(voucher, booking)
    world.deliver(booking)
    assert world.budget().committed_cents == 22_000
    world.clock._instant = LAST_EVENING + timedelta(seconds=1)
    assert world.expire() == 1
    assert world.expire() == 0
    after = world.now_of(voucher)
    assert (after.state, after.balance) == ("expired", Balance(issued=600, consumed=60, expired=540))
    assert world.budget().committed_cents == 2200
    last = world.entries(voucher)[-1]
    assert (last.kind, last.quantity, last.amount_cents) == ("expire", 540, 19_800)
    assert world.verified().faults == ()
    assert world.differences() == []
    with pytest.raises(Refusal) as refused:
        world.hold(voucher, service_date="2026-06-30")
    assert refused.value.type == "voucher-expired"


def test_an_open_hold_keeps_the_voucher_until_it_ends(world: World) -> None:
    delivered, released = new_id(), new_id()
    used, unused = world.voucher(600), world.voucher(600)
    world.hold(used, delivered, service_date="2026-06-30")
    world.hold(unused, released, service_date="2026-06-30")
    world.clock._instant = LAST_EVENING + timedelta(days=2)
    assert world.expire() == 0
    world.deliver(delivered)
    world.lapse(released)
    assert world.expire() == 2
    assert world.now_of(used).balance == Balance(issued=600, consumed=60, expired=540)
    assert world.now_of(unused).balance == Balance(issued=600, expired=600)
    assert world.budget().committed_cents == 2200


def test_a_used_up_voucher_expires_without_an_entry(world: World) -> None:
    voucher, booking = world.voucher(60), new_id()
    world.hold(voucher, booking)
    world.deliver(booking)
    world.clock._instant = LAST_EVENING + timedelta(days=1)
    assert world.expire() == 1
    assert (world.now_of(voucher).state, len(world.entries(voucher))) == ("expired", 3)
    assert world.budget().committed_cents == 2200
    assert world.verified().faults == ()


def test_a_voucher_nobody_chose_a_cooperative_for_expires_too(world: World) -> None:
    voucher = world.issued(world.signed(world.person(), 61))
    world.clock._instant = LAST_EVENING + timedelta(days=1)
    assert world.expire() == 1
    assert world.now_of(voucher).balance == Balance(issued=61, expired=61)
    assert world.budget().committed_cents == 0


def test_the_rest_of_a_rounded_commitment_stays_bound(world: World) -> None:
    """61 minutes bind 22.37 euro; one used minute keeps 37 cents, rounded up."""
    voucher, booking = world.voucher(61), new_id()
    assert world.budget().committed_cents == 2237
    world.hold(voucher, booking, minutes=1, cents=37)
    world.deliver(booking)
    world.clock._instant = LAST_EVENING + timedelta(days=1)
    assert world.expire() == 1
    assert world.budget().committed_cents == 37
    assert world.differences() == []


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(committed=st.integers(0, 10**9), issued=st.integers(1, 10**7), data=st.data())
def test_what_stays_bound_covers_what_was_used_and_not_a_cent_more(
    database: Database, committed: int, issued: int, data: st.DataObject
) -> None:
    lost = data.draw(st.one_of(st.sampled_from([0, issued]), st.integers(0, issued)))
    numbers = [sa.literal(number, sa.BigInteger) for number in (committed, issued, lost)]
    query = sa.select(still_committed(numbers[0], issued=numbers[1], lost=numbers[2]))
    with database.read() as connection:
        kept = connection.execute(query).scalar_one()
    assert 0 <= kept * issued - committed * (issued - lost) < issued
    assert isinstance(kept, int)


def test_many_are_expired_batch_by_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.vouchers.application.expire_vouchers.BATCH", 2)
    for _ in range(5):
        world.voucher(60)
    world.clock._instant = LAST_EVENING + timedelta(days=1)
    assert [world.expire() for _ in range(4)] == [2, 2, 1, 0]
    assert world.budget().committed_cents == 0
