"""Verification of many vouchers: batch by batch, and no longer than its caller waits."""

import time
from pathlib import Path
from typing import cast

import grpc
import pytest
from prometheus_client import REGISTRY

from services.chassis.refusal import Refusal
from services.chassis.rpc.context import Call, answering
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as pb
from services.vouchers.application.verify_ledger import VerifyLedgerQuery, verify_ledger
from services.vouchers.domain.refusals import LedgerTooLong
from services.vouchers.entrypoints.figures import LedgerWatch
from services.vouchers.entrypoints.grpc_api import VoucherServicer, build
from services.vouchers.settings import VouchersSettings
from tests.vouchers.conftest import Tamper
from tests.vouchers.world import KEYS, OFFICER, PLAN_OFFICE, World


@pytest.fixture
def servicer(world: World, tmp_path: Path) -> VoucherServicer:
    keys = tmp_path / "keys"
    keys.write_text(KEYS)
    settings = VouchersSettings(database_url=world.database.url, data_keys_file=keys)
    built = build(settings, world.database, world.clock)
    return next(servicer for _, servicer in built if isinstance(servicer, VoucherServicer))


@pytest.mark.parametrize("count", [4, 5])
def test_every_voucher_is_verified_whatever_the_batches(
    world: World, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr("services.vouchers.persistence.ledger.BATCH", 2)
    for _ in range(count):
        world.hold(world.voucher(60))
    everything = world.verified()
    assert (everything.vouchers, everything.entries, everything.faults) == (count, 2 * count, ())
    with world.database.read() as connection:
        of_comune = verify_ledger(connection, OFFICER, VerifyLedgerQuery(), lambda: None)
    assert of_comune == everything


def test_it_stops_when_the_time_of_the_call_is_nearly_over(world: World) -> None:
    for _ in range(3):
        world.issued(world.signed(world.person()))
    left = iter([9.0, 8.0, 0.1])
    with world.database.read() as connection, pytest.raises(LedgerTooLong) as refused:
        verify_ledger(connection, PLAN_OFFICE, VerifyLedgerQuery(), lambda: next(left))
    assert refused.value.facts == {"vouchers": 2, "faults": 0}
    assert refused.value.field == "voucher_id"
    assert "verify-ledger" in refused.value.message("it")


def test_a_call_is_bound_by_its_own_deadline(world: World, servicer: VoucherServicer) -> None:
    unused = cast(grpc.ServicerContext, None)
    world.voucher()
    with answering(Call(caller=PLAN_OFFICE, deadline=time.monotonic() + 60)):
        assert servicer.VerifyLedger(pb.VerifyLedgerRequest(), unused).vouchers == 1
    with answering(Call(caller=PLAN_OFFICE, deadline=time.monotonic())), pytest.raises(Refusal) as refused:
        servicer.VerifyLedger(pb.VerifyLedgerRequest(), unused)
    assert refused.value.type == "ledger-too-long"


@pytest.mark.parametrize("count", [4, 5])
def test_the_watch_goes_through_all_vouchers_batch_by_batch_and_tells_of_every_fault(
    world: World, monkeypatch: pytest.MonkeyPatch, tamper: Tamper, count: int
) -> None:
    monkeypatch.setattr("services.vouchers.persistence.ledger.BATCH", 2)
    last = max([world.voucher(60).id for _ in range(count)])
    watch = LedgerWatch()

    def told() -> float | None:
        """After one pass, batch by batch."""
        watch(world.database)
        while watch._after is not None:
            watch(world.database)
        return REGISTRY.get_sample_value("ledger_faults")

    assert told() == 0
    tamper("UPDATE ledger_entry SET quantity = quantity + 1 WHERE voucher_id = %s AND sequence = 1", last)
    assert (told() or 0) > 0
    tamper("UPDATE ledger_entry SET quantity = quantity - 1 WHERE voucher_id = %s AND sequence = 1", last)
    assert told() == 0
