"""Catalogue over the wire: own servicers, a voucher's side on another server, tokens, keys, refusals."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest

from services.catalogue.entrypoints.grpc_api import build
from services.catalogue.settings import Settings
from services.chassis.caller import ANONYMOUS, Caller
from services.chassis.civil_time import local_day
from services.chassis.clock import SystemClock
from services.chassis.errors import CannotRunError
from services.chassis.ids import new_id
from services.chassis.refusal import Kind, Refusal, Unavailable
from services.chassis.rpc.client import call, open_channel
from services.chassis.rpc.context import caller_of
from services.chassis.rpc.server import RpcServer
from services.chassis.tokens import TokenVerifier
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2 as pb
from services.contracts.generated.ambito.catalogue.v1 import catalogue_pb2_grpc as rpc
from services.contracts.generated.ambito.vouchers.v1 import vouchers_pb2, vouchers_pb2_grpc
from tests.catalogue.world import KEYS, SECRET, World
from tests.support.tokens import TokenIssuer

PATIENCE_SECONDS = 10.0  # as long as catalogue lets any call last


class Exhausted(Refusal):
    kind = Kind.CONFLICT
    type = "voucher-exhausted"
    it = "Il buono non basta."
    en = "The voucher does not suffice."


class Holds(vouchers_pb2_grpc.HoldServiceServicer):
    """The voucher's side as another service would answer."""

    def __init__(self) -> None:
        self.requests: list[vouchers_pb2.HoldRequest] = []
        self.callers: list[Caller] = []
        self.error: Exception | None = None
        self.hanging = threading.Semaphore(0)
        """One more for each call that hangs, if `answers` is to be waited for."""
        self.answers: threading.Event | None = None

    def Hold(
        self, request: vouchers_pb2.HoldRequest, context: grpc.ServicerContext
    ) -> vouchers_pb2.HoldResponse:
        self.requests.append(request)
        self.callers.append(caller_of(context))
        if self.answers is not None:
            self.hanging.release()
            self.answers.wait(PATIENCE_SECONDS)
        if self.error is not None:
            raise self.error
        return vouchers_pb2.HoldResponse(quantity=request.minutes, available=0)


@dataclass
class Wire:
    """Catalogue's stubs and what stands around them."""

    world: World
    issuer: TokenIssuer
    holds: Holds
    vouchers: RpcServer
    channel: grpc.Channel

    def citizen(self, person: UUID) -> Caller:
        return Caller(
            f"account-{person}",
            person,
            token=self.issuer.token(f"account-{person}", "citizen:*", person=str(person)),
        )

    def ask(self, method: str, request: Any, caller: Caller = ANONYMOUS, key: str | None = None) -> Any:
        service, _, name = method.partition(".")
        stub = getattr(rpc, f"{service}Stub")(self.channel)
        return call(
            getattr(stub, name),
            request,
            caller=caller,
            deadline_seconds=PATIENCE_SECONDS,
            idempotency_key=key,
        )

    def refusal(self, *arguments: Any, **more: Any) -> Refusal:
        with pytest.raises(Refusal) as caught:
            self.ask(*arguments, **more)
        return caught.value


@pytest.fixture
def wire(world: World, tmp_path: Path) -> Iterator[Wire]:
    issuer, holds = TokenIssuer(tmp_path), Holds()
    verifier = TokenVerifier(issuer.jwks_file)
    (tmp_path / "keys").write_text(KEYS)
    (tmp_path / "key").write_text(base64.b64encode(SECRET).decode())
    add_holds = vouchers_pb2_grpc.add_HoldServiceServicer_to_server
    vouchers = RpcServer("127.0.0.1:0", [(add_holds, holds)], verifier, check=lambda: None)
    vouchers.start()
    settings = Settings(
        database_url=world.database.url,
        vouchers_target=f"127.0.0.1:{vouchers.port}",
        voucher_hold_deadline_seconds=PATIENCE_SECONDS,
        delivery_code_key_file=tmp_path / "key",
        data_keys_file=tmp_path / "keys",
        delivery_earliest_before_start_minutes=60 * 24 * 365,
    )
    server = RpcServer("127.0.0.1:0", build(settings, world.database), verifier, check=world.database.ping)
    server.start()
    with open_channel(f"127.0.0.1:{server.port}") as channel:
        yield Wire(world, issuer, holds, vouchers, channel)
    server.stop(1)
    vouchers.stop(1)


def next_week() -> datetime:
    """A visit's start that the machine's own clock has before it, during the time that the world is
    accredited.
    """
    return SystemClock().now().replace(minute=0, second=0, microsecond=0) + timedelta(days=8)


def test_the_whole_way(wire: Wire) -> None:
    world, person, voucher = wire.world, wire.world.person(), new_id()
    slot = world.slot(starts_at=next_week())
    me = wire.citizen(person)
    day = local_day(next_week()).isoformat()
    listed = wire.ask(
        "CatalogueService.ListSlots", pb.ListSlotsRequest(service="sad", from_date=day, to_date=day)
    )
    assert [(item.id, item.free, item.provider) for item in listed.items] == [(str(slot), 1, "aurora")]
    request = pb.BookSlotRequest(slot_id=str(slot), voucher_id=str(voucher))
    booked = wire.ask("BookingService.BookSlot", request, me, key="k").booking
    assert (booked.state, booked.version, booked.person_id) == ("confirmed", 1, str(person))
    (held,) = wire.holds.requests
    assert (held.booking_id, held.voucher_id, held.person_id) == (booked.id, str(voucher), str(person))
    assert (held.provider, held.service, held.minutes, held.cents) == ("aurora", "sad", 60, 2250)
    assert held.service_date == booked.local_start[:10]
    assert wire.holds.callers[0].person == person  # with the booker's own token
    assert wire.ask("BookingService.BookSlot", request, me, key="k").booking == booked
    reused = wire.refusal("BookingService.BookSlot", pb.BookSlotRequest(slot_id=str(slot)), me, key="k")
    assert reused.type == "idempotency-key-reused"
    assert (
        wire.ask("BookingService.GetBooking", pb.GetBookingRequest(booking_id=booked.id), me).booking
        == booked
    )
    code = wire.ask(
        "BookingService.GetDeliveryCode", pb.GetDeliveryCodeRequest(booking_id=booked.id), me
    ).code
    coop = wire.issuer.caller("aurora-system", "provider_client:aurora")
    proof = pb.RecordDeliveryRequest(booking_id=booked.id, code=code)
    assert wire.ask("BookingService.RecordDelivery", proof, coop).booking.state == "delivered"
    own = wire.ask("BookingService.ListBookings", pb.ListBookingsRequest(provider="aurora"), coop).items
    assert [(item.id, item.state) for item in own] == [(booked.id, "delivered")]


def test_of_bookings_that_are_named_those_are_listed_that_are_there_and_one_s_own(wire: Wire) -> None:
    slot = str(wire.world.slot(starts_at=next_week(), capacity=3))
    booked = [
        wire.ask(
            "BookingService.BookSlot",
            pb.BookSlotRequest(slot_id=slot),
            wire.citizen(wire.world.person()),
            key="k",
        ).booking.id
        for _ in range(3)
    ]

    def listed(provider: str) -> list[str]:
        coop = wire.issuer.caller(f"{provider}-system", f"provider_client:{provider}")
        request = pb.ListBookingsRequest(provider=provider, booking_ids=[*booked[:2], ID])
        return sorted(item.id for item in wire.ask("BookingService.ListBookings", request, coop).items)

    assert listed("aurora") == sorted(booked[:2])
    assert listed("another") == []


def test_the_voucher_s_words_reach_the_caller(wire: Wire) -> None:
    person, slot = wire.world.person(), wire.world.slot(starts_at=next_week())
    wire.holds.error = Exhausted()
    request = pb.BookSlotRequest(slot_id=str(slot), voucher_id=str(new_id()))
    for _ in range(2):
        refusal = wire.refusal("BookingService.BookSlot", request, wire.citizen(person), key="k")
        assert (refusal.type, refusal.kind) == ("voucher-exhausted", Kind.CONFLICT)
        assert refusal.message("it") == "Il buono non basta."
    assert len(wire.holds.requests) == 1
    assert wire.world.taken(slot) == 0


@pytest.mark.parametrize("how", ["down", "fault"])
def test_without_the_voucher_s_side_no_seat_is_lost(wire: Wire, how: str) -> None:
    person, slot = wire.world.person(), wire.world.slot(starts_at=next_week(), capacity=2)
    wire.holds.error = RuntimeError("a bug")
    if how == "down":
        wire.vouchers.stop(0)
    request = pb.BookSlotRequest(slot_id=str(slot), voucher_id=str(new_id()))
    refusal = wire.refusal("BookingService.BookSlot", request, wire.citizen(person), key="k")
    assert isinstance(refusal, Unavailable)
    assert refusal.retry_after_seconds
    assert wire.world.taken(slot) == 0
    unpaid = pb.BookSlotRequest(slot_id=str(slot))
    assert (
        wire.ask("BookingService.BookSlot", unpaid, wire.citizen(person), key="u").booking.state
        == "confirmed"
    )
    wire.world.check_invariants()


def test_a_voucher_s_side_that_hangs_leaves_threads_to_the_others(wire: Wire) -> None:
    """Six threads, six bookings with a voucher: four of them may wait, and everybody else goes on."""
    world, threads, waiting = wire.world, 6, 4
    slot = world.slot(starts_at=next_week(), capacity=threads + 1)
    people = [world.person() for _ in range(threads + 1)]
    wire.holds.answers = threading.Event()

    def pay(number: int) -> Any:
        request = pb.BookSlotRequest(slot_id=str(slot), voucher_id=str(new_id()))
        try:
            return wire.ask("BookingService.BookSlot", request, wire.citizen(people[number]), key="k").booking
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(threads) as pool:
        try:
            bookings = {pool.submit(pay, number) for number in range(threads)}
            for _ in range(waiting):
                assert wire.holds.hanging.acquire(timeout=PATIENCE_SECONDS)
            hanging = bookings
            while len(hanging) > waiting:
                hanging = wait(hanging, PATIENCE_SECONDS, FIRST_COMPLETED).not_done
            turned_away = [one.result() for one in bookings - hanging]
            assert all(isinstance(one, Unavailable) and one.retry_after_seconds for one in turned_away)
            day = local_day(next_week()).isoformat()
            asked = pb.ListSlotsRequest(service="sad", from_date=day, to_date=day)
            assert [item.free for item in wire.ask("CatalogueService.ListSlots", asked).items] == [3]
            assert wire.ask("CatalogueService.SearchServices", pb.SearchServicesRequest()).total == 2
            unpaid = pb.BookSlotRequest(slot_id=str(slot))
            booked = wire.ask("BookingService.BookSlot", unpaid, wire.citizen(people[-1]), key="u").booking
            assert booked.state == "confirmed"
            assert not any(one.done() for one in hanging)
        finally:
            wire.holds.answers.set()
        assert {one.result().state for one in hanging} == {"confirmed"}
    world.check_invariants()
    assert world.taken(slot) == waiting + 1


def test_without_keys_for_words_it_does_not_begin(world: World, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(base64.b64encode(SECRET).decode())
    (tmp_path / "keys").write_text("k1:short")
    for name in ("missing", "keys"):
        settings = Settings(
            database_url=world.database.url,
            delivery_code_key_file=tmp_path / "key",
            data_keys_file=tmp_path / name,
        )
        with pytest.raises(CannotRunError, match="DATA_KEYS_FILE"):
            build(settings, world.database)


def test_cancelling_with_and_without_right(wire: Wire) -> None:
    person = wire.world.person()
    slot = wire.world.slot(starts_at=next_week())
    booked = wire.ask(
        "BookingService.BookSlot", pb.BookSlotRequest(slot_id=str(slot)), wire.citizen(person), key="k"
    ).booking
    request = pb.CancelBookingRequest(booking_id=booked.id, reason=" Sono malata ")
    assert wire.refusal("BookingService.CancelBooking", request).type == "unauthenticated"
    stranger = wire.citizen(wire.world.person())
    assert wire.refusal("BookingService.CancelBooking", request, stranger).type == "not-found"
    cancelled = wire.ask("BookingService.CancelBooking", request, wire.citizen(person)).booking
    assert (cancelled.state, cancelled.reason, cancelled.cancelled_by) == (
        "cancelled",
        "Sono malata",
        "citizen",
    )
    twice = wire.refusal("BookingService.CancelBooking", request, wire.citizen(person))
    assert (twice.type, twice.kind) == ("booking-already-cancelled", Kind.CONFLICT)
    coop = wire.issuer.caller("x", "provider_staff:aurora")
    seen = wire.ask("BookingService.GetBooking", pb.GetBookingRequest(booking_id=booked.id), coop).booking
    assert (seen.state, seen.reason) == ("cancelled", "")


def test_the_public_catalogue_needs_no_token(wire: Wire) -> None:
    assert {c.code for c in wire.ask("CatalogueService.ListComuni", pb.ListComuniRequest()).items} == {
        "L319",
        "L733",
        "L703",
    }
    assert list(wire.ask("CatalogueService.ListSocialPoints", pb.ListSocialPointsRequest()).items) == []
    providers = wire.ask("CatalogueService.ListProviders", pb.ListProvidersRequest()).items
    assert [(p.slug, p.accreditations[0].state) for p in providers] == [
        ("aurora", "accredited"),
        ("brezza", "accredited"),
    ]
    one = wire.ask("CatalogueService.GetProvider", pb.GetProviderRequest(slug="brezza")).provider
    assert one == providers[1]
    found = wire.ask("CatalogueService.SearchServices", pb.SearchServicesRequest(q="ginnastica"))
    assert ([item.slug for item in found.items], found.total) == (["ginnastica"], 1)
    shown = wire.ask("CatalogueService.GetService", pb.GetServiceRequest(slug="sad"))
    assert {offering.provider for offering in shown.service.offerings} == {"aurora", "brezza"}
    assert shown.order_seed


def test_the_register(wire: Wire) -> None:
    request = pb.ChangeAccreditationRequest(
        provider="aurora", section="anziani", state="suspended", reason="Verifica"
    )
    assert wire.refusal("AccreditationService.ChangeAccreditation", request).type == "unauthenticated"
    office = wire.issuer.caller("udp", "plan_office:tradate")
    changed = wire.ask("AccreditationService.ChangeAccreditation", request, office)
    assert (changed.accreditation.state, changed.accreditation.valid_to, changed.affected_bookings) == (
        "suspended",
        "2027-12-31",
        0,
    )


ID = str(new_id())
entry = partial(pb.ChangeAccreditationRequest, provider="a", section="b")
slots = partial(pb.ListSlotsRequest, service="sad")
BAD = [
    ("BookingService.BookSlot", pb.BookSlotRequest(slot_id="1"), "slot_id"),
    ("BookingService.BookSlot", pb.BookSlotRequest(slot_id=ID, person_id="x" * 36), "person_id"),
    ("BookingService.BookSlot", pb.BookSlotRequest(slot_id=ID, voucher_id="-"), "voucher_id"),
    ("BookingService.GetBooking", pb.GetBookingRequest(), "booking_id"),
    ("BookingService.ListBookings", pb.ListBookingsRequest(from_date="2026-02-30"), "from_date"),
    ("BookingService.ListBookings", pb.ListBookingsRequest(person_id=ID, to_date="1/2/2026"), "to_date"),
    ("BookingService.ListBookings", pb.ListBookingsRequest(person_id=ID, state="lost"), "state"),
    ("BookingService.ListBookings", pb.ListBookingsRequest(person_id=ID, limit=101), "limit"),
    ("BookingService.ListBookings", pb.ListBookingsRequest(person_id=ID, limit=-1), "limit"),
    ("BookingService.ListBookings", pb.ListBookingsRequest(provider="Aurora"), "provider"),
    ("BookingService.ListBookings", pb.ListBookingsRequest(booking_ids=[ID, "1"]), "booking_ids"),
    ("BookingService.ListBookings", pb.ListBookingsRequest(booking_ids=[ID] * 101), "booking_ids"),
    ("BookingService.CancelBooking", pb.CancelBookingRequest(booking_id=ID, reason="x" * 501), "reason"),
    ("BookingService.CancelBooking", pb.CancelBookingRequest(booking_id=ID, reason="\x00"), "reason"),
    ("BookingService.RecordDelivery", pb.RecordDeliveryRequest(booking_id=ID, code="12345"), "code"),
    ("BookingService.RecordDelivery", pb.RecordDeliveryRequest(booking_id=ID, code="１２３４５６"), "code"),
    ("AccreditationService.ChangeAccreditation", entry(state="good", reason="r"), "state"),
    ("AccreditationService.ChangeAccreditation", entry(state="revoked", reason=" "), "reason"),
    ("CatalogueService.SearchServices", pb.SearchServicesRequest(q="x" * 201), "q"),
    ("CatalogueService.SearchServices", pb.SearchServicesRequest(comune="Tradate"), "comune"),
    ("CatalogueService.SearchServices", pb.SearchServicesRequest(kind="free"), "kind"),
    ("CatalogueService.SearchServices", pb.SearchServicesRequest(category="a b"), "category"),
    ("CatalogueService.SearchServices", pb.SearchServicesRequest(cursor="?"), "cursor"),
    ("CatalogueService.GetService", pb.GetServiceRequest(slug="x" * 64), "slug"),
    ("CatalogueService.ListSlots", slots(to_date="2026-12-01"), "from_date"),
    ("CatalogueService.ListSlots", slots(from_date="2026-12-02", to_date="2026-12-01"), "to_date"),
]  # fmt: skip


def test_bad_requests_name_their_field_and_change_nothing(wire: Wire) -> None:
    caller = wire.issuer.caller("x", "plan_office:tradate")
    for method, request, field in BAD:
        refusal = wire.refusal(method, request, caller, key="k")
        assert (refusal.kind, refusal.field) == (Kind.INVALID, field), (method, request)
        assert refusal.message("it") != refusal.message("en")
    assert wire.world.events() == []


def test_without_a_key_or_with_a_wrong_one(wire: Wire) -> None:
    person = wire.world.person()
    request = pb.BookSlotRequest(slot_id=str(wire.world.slot(starts_at=next_week())))
    assert (
        wire.refusal("BookingService.BookSlot", request, wire.citizen(person)).type
        == "idempotency-key-required"
    )
    refusal = wire.refusal("BookingService.BookSlot", request, wire.citizen(person), key="k" * 256)
    assert (refusal.type, refusal.field) == ("invalid-field", "idempotency_key")
