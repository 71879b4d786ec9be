"""Each kind of bad input has its own clear answer, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pika
import pika.exceptions
import pytest

from deploy.demo import cast
from services.chassis.tokens import TokenSigner
from tests.support.polling import eventually
from tests.support.tokens import new_signing_key
from tests.system.world import COMUNE, Citizen, World, problem

PROVIDER = "cedro-azzurro"


@pytest.fixture(scope="module")
def citizen(world: World) -> Citizen:
    return world.citizen()


def registration(**changes: object) -> dict[str, object]:
    who = cast.daughter(COMUNE)
    return {"details": {**who.details, **changes}, "username": who.username, "password": who.password}


def wrong_letter(code: str) -> str:
    return code[:-1] + ("A" if code[-1] != "A" else "B")


class TestRegistration:
    def test_a_wrong_check_letter(self, world: World) -> None:
        body = registration()
        details = dict(body["details"])  # type: ignore[call-overload]
        wrong = {**details, "codice_fiscale": wrong_letter(details["codice_fiscale"])}
        answer = world.anyone.post("/people", {**body, "details": wrong})
        assert problem(answer) == (422, "codice-fiscale-check-character")
        assert answer.json()["errors"][0]["field"] == "codice_fiscale"
        # Nothing was registered: the right code, and the username, are still free.
        assert world.anyone.post("/people", body).status_code == 201

    def test_a_comune_outside_the_ambito(self, world: World) -> None:
        answer = world.anyone.post("/people", registration(comune="F205"))
        assert problem(answer) == (422, "comune-not-in-ambito")
        assert answer.json()["errors"][0]["field"] == "comune"

    def test_the_same_person_twice(self, world: World) -> None:
        body = registration()
        world.anyone.ok(world.anyone.post("/people", body))
        again = world.anyone.post("/people", {**body, "username": "somebody-else-entirely"})
        assert problem(again) == (409, "person-already-registered")

    def test_unknown_fields(self, world: World) -> None:
        answer = world.anyone.post("/people", {**registration(), "isee": 1})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "isee"


class TestVouchers:
    def test_somebody_elses_voucher(self, world: World, citizen: Citizen) -> None:
        other = world.citizen()
        voucher = world.voucher(other, 600, PROVIDER)
        slot = world.slots(PROVIDER)[0]
        refused = world.book(citizen, slot["id"], voucher)
        assert problem(refused) == (403, "not-your-voucher")
        assert problem(citizen.session.get(f"/vouchers/{voucher}")) == (404, "voucher-not-found")
        assert world.balance(other, voucher)["reserved"] == 0
        assert free(world, slot) == slot["free"]

    def test_the_last_day_counts_and_the_day_after_does_not(self, world: World, citizen: Citizen) -> None:
        last = world.first_day() + timedelta(days=3)
        voucher = world.voucher(citizen, 600, PROVIDER, valid_to=last)
        on_the_day = world.slots(PROVIDER, first_day=last, days=1)[0]
        after = world.slots(PROVIDER, first_day=last + timedelta(days=1), days=1)[0]
        refused = world.book(citizen, after["id"], voucher)
        assert problem(refused) == (409, "voucher-expired")
        assert free(world, after) == after["free"]
        assert world.book(citizen, on_the_day["id"], voucher).status_code == 201

    def test_another_cooperative_than_the_one_chosen(self, world: World, citizen: Citizen) -> None:
        voucher = world.voucher(citizen, 600, PROVIDER)
        slot = next(found for found in world.slots() if found["provider"] != PROVIDER)
        assert problem(world.book(citizen, slot["id"], voucher)) == (409, "provider-not-chosen")
        assert world.balance(citizen, voucher)["reserved"] == 0

    @pytest.mark.parametrize("outsider", ["lanterna-verde", "sentiero-lieve"])  # expired; suspended
    def test_a_provider_that_is_not_accredited_cannot_be_chosen(
        self, world: World, citizen: Citizen, outsider: str
    ) -> None:
        voucher = world.voucher(citizen, 600, None)
        answer = citizen.session.post(f"/vouchers/{voucher}/provider", {"provider": outsider})
        assert problem(answer) == (409, "provider-not-accredited")
        assert citizen.session.get(f"/vouchers/{voucher}").json()["assignments"] == []

    def test_neither_cooperative_nor_citizen_issues_vouchers(self, world: World, citizen: Citizen) -> None:
        plan = world.plan(citizen, 600)
        body = {
            "plan_line_id": plan["lines"][0]["id"],
            "quantity": 600,
            "fund": "fondo-sociale-comunale",
            "year": world.today().year,
            "valid_from": world.today().isoformat(),
            "valid_to": world.today().isoformat(),
        }
        for session in (citizen.session, world.client(PROVIDER), world.staff("comune_officer:L319")):
            assert session.post("/vouchers", body).status_code == 403


class TestBookings:
    def test_cancelled_twice(self, world: World, citizen: Citizen) -> None:
        slot = world.slots(PROVIDER, first_day=world.first_day() + timedelta(days=5))[0]
        booking = citizen.session.ok(world.book(citizen, slot["id"], world.voucher(citizen, 600, PROVIDER)))
        path = f"/bookings/{booking['id']}/cancellation"
        assert citizen.session.post(path, {}).status_code == 200
        again = citizen.session.post(path, {})
        assert problem(again) == (409, "booking-already-cancelled")
        eventually(lambda: free(world, slot) == slot["free"])

    def test_a_slot_that_does_not_exist(self, world: World, citizen: Citizen) -> None:
        assert world.book(citizen, "01929b6e-7a8b-7c3d-9e4f-5a6b7c8d9e41").status_code == 404

    def test_somebody_elses_booking_cannot_be_read_or_cancelled(self, world: World, citizen: Citizen) -> None:
        other = world.citizen()
        slot = world.slots(PROVIDER)[0]
        booking = other.session.ok(world.book(other, slot["id"], world.voucher(other, 600, PROVIDER)))
        stranger = next(p.provider for p in world.territory.api_clients if p.provider != PROVIDER)
        for session in (citizen.session, world.client(stranger)):
            assert problem(session.get(f"/bookings/{booking['id']}")) == (404, "not-found")
            answer = session.post(f"/bookings/{booking['id']}/cancellation", {"reason": "none of mine"})
            assert problem(answer) == (404, "not-found")
        assert other.session.get(f"/bookings/{booking['id']}").json()["state"] == "confirmed"


class TestTokens:
    def test_forged_and_expired_tokens(self, world: World) -> None:
        claims = {"sub": "attacker", "roles": ["plan_office:tradate"]}
        forged = TokenSigner(new_signing_key(), "k1").sign(claims, 600)
        own = world.instance.secrets.signing_key().read_bytes()
        expired = TokenSigner(own, "k1").sign(claims, -60)
        for token, name in ((forged, "token-invalid"), (expired, "token-expired")):
            session = world.session(token)
            assert problem(session.get("/budgets", year=2026)) == (401, name)


class TestCooperatives:
    @pytest.fixture
    def connection(self, world: World) -> Iterator[pika.BlockingConnection]:
        url = world.instance.cooperative_amqp_url(PROVIDER)
        connection = pika.BlockingConnection(pika.URLParameters(url))
        yield connection
        connection.close()

    def test_its_own_queue_and_no_other(self, world: World, connection: pika.BlockingConnection) -> None:
        stranger = next(p.slug for p in world.territory.providers if p.slug != PROVIDER)
        connection.channel().basic_get(f"coop.{PROVIDER}")
        for attempt in (
            lambda channel: channel.basic_get(f"coop.{stranger}"),
            lambda channel: channel.basic_get("vouchers.events"),
            lambda channel: channel.queue_declare("mine"),
            lambda channel: channel.queue_bind(f"coop.{PROVIDER}", "ambito.identity", "#"),
            publish,
        ):
            with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
                attempt(connection.channel())
            assert refused.value.reply_code == 403

    def test_another_cooperatives_feed_webhooks_and_statement(self, world: World) -> None:
        client = world.client(PROVIDER)
        stranger = next(p.slug for p in world.territory.providers if p.slug != PROVIDER)
        assert client.get("/events", provider=stranger).status_code == 403
        assert client.get("/webhook-endpoints", provider=stranger).status_code == 403
        assert client.get(f"/providers/{stranger}/statements/2026-11").status_code == 403


def publish(channel: pika.adapters.blocking_connection.BlockingChannel) -> None:
    channel.confirm_delivery()
    channel.basic_publish("ambito.catalogue.public", f"booking.confirmed.{COMUNE}.{PROVIDER}", b"{}")


def free(world: World, slot: dict[str, object]) -> object:
    """How many places a slot has now."""
    day = str(slot["local_start"])[:10]
    found = world.anyone.get(
        "/services/sad-anziani/slots", from_date=day, to_date=day, provider=str(slot["provider"])
    )
    return next((item["free"] for item in found.json()["items"] if item["id"] == slot["id"]), 0)
