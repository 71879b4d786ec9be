"""The service as its callers meet it: over gRPC, with tokens, keys and refusals."""

import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.errors import CannotRunError
from services.chassis.refusal import Refusal
from services.chassis.rpc.client import call, open_channel
from services.chassis.rpc.server import RpcServer
from services.chassis.tokens import TokenVerifier
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2 as pb
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2_grpc as rpc
from services.vouchers import bootstrap
from services.vouchers.domain.voucher import Voucher
from services.vouchers.entrypoints.grpc_api import build
from services.vouchers.entrypoints.worker import subscriptions
from services.vouchers.persistence.tables import messaging
from services.vouchers.settings import VouchersSettings
from tests.support.tokens import TokenIssuer
from tests.vouchers.world import AURORA, FUND, HOME_CARE, KEYS, SAD, TRADATE, YEAR, World


@dataclass
class Wire:
    """A running server, and tokens for it."""

    channel: grpc.Channel
    issuer: TokenIssuer

    def caller(self, subject: str, *roles: str, **claims: Any) -> Caller:
        return Caller(subject, token=self.issuer.token(subject, *roles, **claims))

    def call(self, stub: Any, method: str, request: Any, by: Caller, key: str | None = None) -> Any:
        bound = getattr(stub(self.channel), method)
        return call(bound, request, caller=by, deadline_seconds=30, idempotency_key=key)

    def hold(self, voucher: Voucher | pb.Voucher, by: Caller, **changes: Any) -> Any:
        values: dict[str, Any] = {
            "booking_id": str(uuid.uuid4()),
            "voucher_id": str(voucher.id),
            "person_id": str(voucher.person_id),
            "provider": AURORA,
            "service": HOME_CARE,
            "service_date": "2026-03-10",
            "minutes": 60,
            "cents": 2200,
        }
        return self.call(rpc.HoldServiceStub, "Hold", pb.HoldRequest(**values | changes), by)


@pytest.fixture
def wire(world: World, tmp_path: Path) -> Iterator[Wire]:
    keys = tmp_path / "keys"
    keys.write_text(KEYS)
    issuer = TokenIssuer(tmp_path)
    settings = VouchersSettings(database_url=world.database.url, data_keys_file=keys)
    server = RpcServer(
        "127.0.0.1:0",
        build(settings, world.database, world.clock),
        TokenVerifier(issuer.jwks_file),
        check=world.database.ping,
        threads=16,
        deadline_cap_seconds=60,
    )
    server.start()
    with open_channel(f"127.0.0.1:{server.port}") as channel:
        yield Wire(channel, issuer)
    server.stop(5)


def plan_request(world: World) -> pb.WritePlanRequest:
    line = pb.PlanLine(measure=SAD, service=HOME_CARE, quantity=1200)
    return pb.WritePlanRequest(
        person_id=str(world.person()), valid_from="2026-03-01", valid_to="2026-06-30", lines=[line]
    )


def test_from_plan_to_statement(world: World, wire: Wire) -> None:
    worker = wire.caller("worker-1", f"social_worker:{TRADATE}")
    officer = wire.caller("officer-1", f"comune_officer:{TRADATE}")
    request = plan_request(world)
    citizen = wire.caller("account", "citizen:*", person=request.person_id)
    plan = wire.call(rpc.PlanServiceStub, "WritePlan", request, worker).plan
    signature = pb.SignPlanRequest(plan_id=plan.id, signed_by="support_administrator")
    assert wire.call(rpc.PlanServiceStub, "SignPlan", signature, worker).plan.state == "signed"
    issue = pb.IssueVoucherRequest(
        plan_line_id=plan.lines[0].id,
        quantity=1200,
        fund=FUND,
        year=YEAR,
        valid_from="2026-03-02",
        valid_to="2026-06-30",
    )
    voucher = wire.call(rpc.VoucherServiceStub, "IssueVoucher", issue, officer).voucher
    assert (voucher.state, voucher.unit, voucher.balance.available) == ("issued", pb.UNIT_MINUTES, 1200)
    choice = pb.ChooseProviderRequest(voucher_id=voucher.id, provider=AURORA)
    chosen = wire.call(rpc.VoucherServiceStub, "ChooseProvider", choice, citizen).voucher
    assert [(one.provider, one.valid_from, one.valid_to) for one in chosen.assignments] == [
        (AURORA, "2026-03-02", "")
    ]
    booking = uuid.uuid4()
    held = wire.hold(voucher, citizen, booking_id=str(booking))
    assert (held.quantity, held.available) == (60, 1140)
    world.deliver(booking)
    entries = wire.call(
        rpc.VoucherServiceStub, "ListEntries", pb.ListEntriesRequest(voucher_id=voucher.id), citizen
    ).items
    assert [(one.sequence, one.kind, one.quantity) for one in entries] == [
        (1, "issue", 1200),
        (2, "reserve", 60),
        (3, "consume", 60),
    ]
    month = pb.GetStatementRequest(provider=AURORA, month="2026-03")
    staff = wire.caller("staff-1", f"provider_staff:{AURORA}")
    statement = wire.call(rpc.StatementServiceStub, "GetStatement", month, staff)
    assert (statement.total_minutes, statement.total_amount_cents) == (60, 2200)
    assert statement.lines[0].entry_sequence == 3
    verified = wire.call(rpc.VoucherServiceStub, "VerifyLedger", pb.VerifyLedgerRequest(), officer)
    assert (verified.vouchers, verified.entries, list(verified.faults)) == (1, 3, [])


class TestIdempotency:
    def test_twenty_at_once_write_one_plan(self, world: World, wire: Wire) -> None:
        worker, request = wire.caller("worker-1", f"social_worker:{TRADATE}"), plan_request(world)

        def write(_: int) -> str:
            return str(wire.call(rpc.PlanServiceStub, "WritePlan", request, worker, key="k-1").plan.id)

        with ThreadPoolExecutor(20) as pool:
            assert len(Counter(pool.map(write, range(20)))) == 1
        listed = pb.ListPlansRequest(person_id=request.person_id)
        assert len(wire.call(rpc.PlanServiceStub, "ListPlans", listed, worker).items) == 1

    def test_another_body_under_the_same_key_is_refused(self, world: World, wire: Wire) -> None:
        worker, request = wire.caller("worker-1", f"social_worker:{TRADATE}"), plan_request(world)
        wire.call(rpc.PlanServiceStub, "WritePlan", request, worker, key="k-1")
        request.goals = "Altro"
        with pytest.raises(Refusal) as refused:
            wire.call(rpc.PlanServiceStub, "WritePlan", request, worker, key="k-1")
        assert refused.value.type == "idempotency-key-reused"

    def test_a_repetition_is_answered_from_the_plan(self, world: World, wire: Wire) -> None:
        worker, request = wire.caller("worker-1", f"social_worker:{TRADATE}"), plan_request(world)
        request.goals = " Restare a casa "
        first = wire.call(rpc.PlanServiceStub, "WritePlan", request, worker, key="k-1").plan
        assert first.goals == "Restare a casa"
        assert wire.call(rpc.PlanServiceStub, "WritePlan", request, worker, key="k-1").plan == first
        signature = pb.SignPlanRequest(plan_id=first.id, signed_by="delegate")
        signed = wire.call(rpc.PlanServiceStub, "SignPlan", signature, worker, key="k-2").plan
        assert (signed.state, signed.goals) == ("signed", first.goals)
        assert wire.call(rpc.PlanServiceStub, "SignPlan", signature, worker, key="k-2").plan == signed

    def test_a_repetition_opens_no_goals_to_who_left_the_office(self, world: World, wire: Wire) -> None:
        request = plan_request(world)
        worker = wire.caller("worker-1", f"social_worker:{TRADATE}")
        wire.call(rpc.PlanServiceStub, "WritePlan", request, worker, key="k-1")
        moved = wire.caller("worker-1", "social_worker:L733")
        with pytest.raises(Refusal) as refused:
            wire.call(rpc.PlanServiceStub, "WritePlan", request, moved, key="k-1")
        assert refused.value.type == "forbidden"

    def test_a_refusal_leaves_the_key_free(self, world: World, wire: Wire) -> None:
        worker, request = wire.caller("worker-1", f"social_worker:{TRADATE}"), plan_request(world)
        elsewhere = wire.caller("worker-1", "social_worker:L733")
        with pytest.raises(Refusal):
            wire.call(rpc.PlanServiceStub, "WritePlan", request, elsewhere, key="k-1")
        assert wire.call(rpc.PlanServiceStub, "WritePlan", request, worker, key="k-1").plan.id


def test_goals_lie_sealed_in_the_database(world: World, wire: Wire) -> None:
    """Neither in the plan nor in what is kept of a keyed call, and not as a hash to try guesses at either."""
    worker, request = wire.caller("worker-1", f"social_worker:{TRADATE}"), plan_request(world)
    for key, goals in (("k-1", "Diagnosi riservata"), ("k-2", "Altra diagnosi riservata")):
        request.goals = goals
        plan = wire.call(rpc.PlanServiceStub, "WritePlan", request, worker, key=key).plan
        signature = pb.SignPlanRequest(plan_id=plan.id, signed_by="beneficiary")
        assert (
            wire.call(rpc.PlanServiceStub, "SignPlan", signature, worker, key=f"{key}-s").plan.goals == goals
        )
    kept = contents(world)
    assert sum(map(len, kept.values())) > 8
    secret = "riservata"
    # PostgreSQL writes bytes as hexadecimal digits.
    assert {name for name, rows in kept.items() for row in rows if secret in row} == set()
    assert {name for name, rows in kept.items() for row in rows if secret.encode().hex() in row} == set()
    # Requests that differ in their goals only leave the same digest.
    digests = sa.select(sa.func.count(messaging.idempotency.c.request_hash.distinct())).where(
        messaging.idempotency.c.key.in_(["k-1", "k-2"])
    )
    with world.database.read() as connection:
        assert connection.execute(digests).scalar_one() == 1


def contents(world: World) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    names = sa.inspect(world.database.engine).get_table_names()
    with world.database.read() as connection:
        return {
            name: list(connection.execute(sa.text(f'SELECT kept::text FROM "{name}" AS kept')).scalars())  # noqa: S608
            for name in names
        }


class TestRefusals:
    def test_say_what_and_how_much_in_both_languages(self, world: World, wire: Wire) -> None:
        voucher = world.voucher(30)
        citizen = wire.caller("account", "citizen:*", person=str(voucher.person_id))
        with pytest.raises(Refusal) as refused:
            wire.hold(voucher, citizen)
        assert refused.value.type == "voucher-exhausted"
        assert refused.value.facts == {"available": "30", "needed": "60", "unit": "minutes"}
        assert refused.value.message("it") == (
            "Sul voucher non resta abbastanza: disponibili 30, necessari 60."
        )

    def test_name_the_field_of_a_bad_request(self, world: World, wire: Wire) -> None:
        voucher = world.voucher()
        citizen = wire.caller("account", "citizen:*", person=str(voucher.person_id))
        with pytest.raises(Refusal) as refused:
            wire.hold(voucher, citizen, service_date="domani")
        assert (refused.value.type, refused.value.field) == ("invalid-field", "service_date")
        assert refused.value.message("it") == "Non è una data valida."

    def test_come_before_anything_without_a_token(self, world: World, wire: Wire) -> None:
        with pytest.raises(Refusal) as refused:
            wire.hold(world.voucher(), ANONYMOUS)
        assert refused.value.type == "unauthenticated"


def test_without_keys_the_server_does_not_start(tmp_path: Path) -> None:
    settings = VouchersSettings(
        database_url="postgresql+psycopg://nowhere/x", data_keys_file=tmp_path / "none"
    )
    with pytest.raises(CannotRunError, match="DATA_KEYS_FILE"):
        bootstrap.plans(settings)


def test_the_worker_subscribes_to_what_the_service_says_it_consumes(world: World) -> None:
    settings = VouchersSettings(database_url=world.database.url)
    wanted = [found.event_types for found in subscriptions(settings, world.database)]
    assert frozenset().union(*wanted) == bootstrap.SERVICE.consumes
    assert sum(map(len, wanted)) == len(bootstrap.SERVICE.consumes)
